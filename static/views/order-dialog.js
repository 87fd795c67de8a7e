import { formatMoney, lineTotal } from '../money.js';
import { movesFor, STATUS_NAMES } from '../status.js';
import { exactly } from '../time.js';
import { Dialog } from './dialog.js';
import { el } from './dom.js';
import { formatCount } from './text.js';

/**
 * @typedef {import('../api.js').Order} Order
 * @typedef {import('../api.js').Item} Item
 * @typedef {import('./card.js').CardContext} CardContext
 */

/** All of one order, kept up to date while it is open. */
export class OrderDialog {
  #context;
  #dialog;
  #badge = el('span', { class: 'badge', testid: 'order-status' });
  /** @type {Order} */
  order;

  /** @param {Order} order @param {CardContext} context @param {() => void} onClose */
  constructor(order, context, onClose) {
    this.order = order;
    this.#context = context;
    this.#dialog = new Dialog({ kind: 'sheet', testid: 'order-dialog', onClose });
    this.#dialog.titleLine.append(this.#badge);
    this.#show();
    this.#dialog.open();
  }

  /** @param {Order} order */
  update(order) {
    this.order = order;
    this.#show();
  }

  close() {
    this.#dialog.close();
  }

  #show() {
    const { order } = this;
    this.#dialog.title = `Order #${order.number}`;
    this.#badge.textContent = STATUS_NAMES[order.status];
    this.#badge.dataset.status = order.status;
    this.#dialog.node.dataset.orderId = order.id;
    this.#dialog.node.dataset.version = String(order.version);
    this.#dialog.body.replaceChildren(facts(order), ...note(order), items(order));
    this.#showMoves();
  }

  /** The buttons stay the same nodes while the same moves are possible, and so keep the focus. */
  #showMoves() {
    const { foot } = this.#dialog;
    const moves = movesFor(this.order, this.#context.user);
    const names = moves.map((move) => move.status).join();
    if (foot.dataset.moves === names) return;
    foot.dataset.moves = names;
    foot.replaceChildren(...moves.toReversed().map((move) => this.#button(move)));
    foot.hidden = moves.length === 0;
  }

  /** @param {import('../status.js').Move} move */
  #button({ status, label, isMain }) {
    const look = isMain ? 'button main' : 'button quiet';
    const text = isMain ? label : 'Cancel order';
    const props = {
      class: look,
      type: 'button',
      testid: `dialog-action-${status}`,
      data: { status },
    };
    const on = { click: () => this.#context.onMove(this.order.id, status) };
    return el('button', { ...props, on }, text);
  }
}

/** @param {Order} order */
function facts(order) {
  const sharing = order.collaborators.map((person) => person.name).join(', ');
  return el(
    'dl',
    { class: 'facts' },
    ...fact('Customer', order.owner.name),
    ...fact('Placed', exactly(order.created_at)),
    ...fact('Last change', exactly(order.updated_at)),
    ...(sharing ? fact('Shared with', sharing) : []),
  );
}

/** @param {string} name @param {string} value */
function fact(name, value) {
  return [el('dt', {}, name), el('dd', {}, value)];
}

/** @param {Order} order */
function note(order) {
  return order.note ? [el('blockquote', { class: 'note' }, order.note)] : [];
}

/** @param {Order} order */
function items(order) {
  const { currency } = order;
  const head = el(
    'tr',
    {},
    th('Product'),
    th('Quantity', 'number'),
    th('Price', 'number'),
    th('Sum', 'number'),
  );
  const rows = order.items.map((item) => row(item, currency));
  const total = el('td', { class: 'number' }, formatMoney(order.total, currency));
  const name = el('th', { scope: 'row', colSpan: 3 }, 'Total');
  return el(
    'table',
    { class: 'items' },
    el('caption', { class: 'sr-only' }, 'Items'),
    el('thead', {}, head),
    el('tbody', {}, ...rows),
    el('tfoot', {}, el('tr', {}, name, total)),
  );
}

/** @param {string} text @param {string} [kind] */
function th(text, kind = '') {
  return el('th', { scope: 'col', class: kind }, text);
}

/** @param {Item} item @param {string} currency */
function row(item, currency) {
  const product = el('td', {}, el('span', { class: 'item-name' }, item.name));
  product.append(el('span', { class: 'item-sku' }, item.sku));
  const numbers = [
    formatCount(item.quantity),
    formatMoney(item.unit_price, currency),
    formatMoney(lineTotal(item, currency), currency),
  ];
  return el('tr', {}, product, ...numbers.map((text) => el('td', { class: 'number' }, text)));
}
