import { formatMoney } from '../../money.js';
import { skuOf } from '../../room/edits.js';
import { arrange, el, setText } from '../dom.js';
import { COLUMNS, lineRow } from './line-row.js';
import { newLine } from './new-line.js';

/**
 * @typedef {import('../../api.js').Order} Order
 * @typedef {ReturnType<typeof lineRow>} Row
 */

/** The lines of an order, each edited where it stands. */
export class ItemsView {
  #context;
  /** @type {Map<string, Row>} */
  #rows = new Map();
  #body = el('tbody');
  #total = el('td', { class: 'number', testid: 'room-total' });
  #new;
  #isRestored = false;

  /** @param {import('./field.js').RoomContext} context */
  constructor(context) {
    this.#context = context;
    this.#new = newLine(context);
    const name = el('th', { scope: 'row', colSpan: COLUMNS - 2 }, 'Total');
    const foot = el('tfoot', {}, el('tr', {}, name, this.#total, el('td')));
    const caption = el('caption', { class: 'sr-only' }, 'Items');
    const table = el('table', { class: 'items' }, caption, head(), this.#body, foot);
    this.node = el('section', { 'aria-label': 'Items' }, table, this.#new.node);
  }

  get isEditing() {
    return this.#fields().some((field) => field.isEditing);
  }

  /** @param {Order} order */
  update(order) {
    const skus = new Set(order.items.map((item) => item.sku));
    this.#dropRows(skus);
    const rows = order.items.map((item) => this.#rowOf(item.sku));
    this.#restoreRows();
    const orphans = [...this.#rows.values()].filter((row) => !rows.includes(row));
    arrange(
      this.#body,
      [...rows, ...orphans].map((row) => row.node),
    );
    for (const field of this.#fields()) field.update(order);
    setText(this.#total, formatMoney(order.total, order.currency));
  }

  updateEditors() {
    for (const field of this.#fields()) field.updateEditors();
  }

  #fields() {
    return [...this.#rows.values(), this.#new].map((row) => row.field);
  }

  /** One that somebody edits here stays, and one whose removal may yet be refused waits unseen. */
  #dropRows(/** @type {Set<string>} */ skus) {
    for (const [sku, { field, node }] of this.#rows) {
      node.hidden = !skus.has(sku) && !field.isEditing;
      if (node.hidden && node.contains(document.activeElement)) this.#new.focus();
      if (!skus.has(sku) && !field.isInUse) this.#rows.delete(sku);
    }
  }

  /** A draft of an earlier visit may belong to a line that is there no more. */
  #restoreRows() {
    if (this.#isRestored) return;
    this.#isRestored = true;
    for (const field of this.#context.room.drafts.fields) {
      const sku = skuOf(field);
      if (sku !== null) this.#rowOf(sku);
    }
  }

  /** @param {string} sku */
  #rowOf(sku) {
    const known = this.#rows.get(sku);
    if (known) return known;
    const row = lineRow(sku, this.#context);
    this.#rows.set(sku, row);
    row.field.updateEditors();
    return row;
  }
}

function head() {
  const names = ['Product', 'Quantity', 'Price', 'Sum'];
  const cells = names.map((name, index) =>
    el('th', { scope: 'col', class: index ? 'number' : '' }, name),
  );
  return el('thead', {}, el('tr', {}, ...cells, el('td')));
}
