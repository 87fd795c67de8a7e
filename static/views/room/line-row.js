import { formatMoney, lineTotal } from '../../money.js';
import { lineField, valueOf } from '../../room/edits.js';
import { el, icon, setText } from '../dom.js';
import { OrderLine, readLine } from '../order-line.js';
import { formatCount } from '../text.js';
import { editorButtons } from './editor-buttons.js';
import { FieldMarks } from './field-marks.js';
import { Field } from './field.js';

/**
 * @typedef {import('../../api.js').Order} Order
 * @typedef {import('../../api.js').Item} Item
 */

export const COLUMNS = 5;

/** A line of the order. @param {string} sku @param {import('./field.js').RoomContext} context */
export function lineRow(sku, context) {
  const marks = new FieldMarks();
  const face = new LineFace(sku, marks);
  const field = new Field(lineField(sku), context, marks, face);
  face.wire(field);
  return { field, node: face.node };
}

class LineFace {
  #sku;
  #name = el('span', { class: 'item-name', dir: 'auto' });
  #quantity = el('td', { class: 'number', testid: 'item-quantity' });
  #price = el('td', { class: 'number', testid: 'item-price' });
  #sum = el('td', { class: 'number' });
  #pen = el('button', { class: 'button icon-only pen', type: 'button', testid: 'edit-line' });
  #cells;
  #shownMarks;
  #editor = el('td', { class: 'line-editor', colSpan: COLUMNS });
  #marks;
  /** @type {OrderLine | null} */
  #line = null;
  /** @type {Field | null} */
  #field = null;

  /** @param {string} sku @param {FieldMarks} marks */
  constructor(sku, marks) {
    this.#sku = sku;
    this.#marks = marks;
    this.#pen.append(icon('pencil'));
    this.#shownMarks = el('td', {}, this.#name, el('span', { class: 'item-sku' }, sku));
    const pen = el('td', { class: 'pen-cell' }, this.#pen);
    this.#cells = [this.#shownMarks, this.#quantity, this.#price, this.#sum, pen];
    this.node = el('tr', { testid: 'item', data: { field: lineField(sku) } }, ...this.#cells);
    marks.frame = this.node;
  }

  /** @param {Field} field */
  wire(field) {
    this.#field = field;
    this.#pen.onclick = () => field.open();
  }

  /** @param {Order} order @param {boolean} mayEdit */
  show(order, mayEdit) {
    const item = valueOf(order, lineField(this.#sku));
    if (this.#line || !this.#marks.node.isConnected) this.#place();
    this.node.hidden = item === null;
    if (item) this.#fill(item, order, mayEdit);
  }

  /** @param {Item} item @param {Order} order */
  edit(item, { currency, items }) {
    const field = /** @type {Field} */ (this.#field);
    const line = new OrderLine(() => field.send(null));
    line.show(item);
    // An order without lines cannot be; its last one is taken away by cancelling it.
    line.remove.hidden = items.length < 2;
    line.node.addEventListener('input', () => line.showSum(currency));
    line.showSum(currency);
    this.#line = line;
    const buttons = editorButtons(field, { save: 'Save', testid: 'line' });
    this.#editor.replaceChildren(line.node, buttons.node, this.#marks.node);
    this.node.replaceChildren(this.#editor);
    this.node.hidden = false;
  }

  typed() {
    return this.#line?.typed;
  }

  /** @param {import('../order-line.js').Typed} typed @param {Order} order */
  meant(typed, { currency }) {
    return readLine(typed, currency);
  }

  focusEditor() {
    this.#line?.focusQuantity();
  }

  /** @param {Order} order */
  read({ currency }) {
    const line = /** @type {OrderLine} */ (this.#line);
    const fault = line.complain(currency, new Set());
    fault?.focus();
    return fault ? undefined : line.read(currency);
  }

  /** @param {Item | null} item @param {Order} order */
  tell(item, { currency }) {
    if (!item) return 'the line was removed.';
    return `${item.quantity} × ${item.name} at ${formatMoney(item.unit_price, currency)}.`;
  }

  focus() {
    this.#pen.focus();
  }

  /** Back to cells. */
  #place() {
    this.#line = null;
    this.#shownMarks.append(this.#marks.node);
    this.node.replaceChildren(...this.#cells);
  }

  /** @param {Item} item @param {Order} order @param {boolean} mayEdit */
  #fill(item, { currency }, mayEdit) {
    setText(this.#name, item.name);
    setText(this.#quantity, formatCount(item.quantity));
    setText(this.#price, formatMoney(item.unit_price, currency));
    setText(this.#sum, formatMoney(lineTotal(item, currency), currency));
    this.#pen.ariaLabel = this.#pen.title = `Edit ${item.name}`;
    this.#pen.hidden = !mayEdit;
  }
}
