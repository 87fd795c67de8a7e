import { lineField } from '../../room/edits.js';
import { el } from '../dom.js';
import { OrderLine, readLine } from '../order-line.js';
import { editorButtons } from './editor-buttons.js';
import { FieldMarks } from './field-marks.js';
import { Field } from './field.js';

/** @typedef {import('../../api.js').Order} Order */

const MOST_LINES = 100;

/** Where a line is added. @param {import('./field.js').RoomContext} context */
export function newLine(context) {
  const marks = new FieldMarks('is adding a line');
  const face = new NewLineFace(marks);
  const toEdit = (/** @type {any} */ item) => ({ [lineField(item.sku)]: item });
  const field = new Field('items', context, marks, face, toEdit);
  face.wire(field);
  return { field, node: face.node, focus: () => face.focus() };
}

class NewLineFace {
  #add = el('button', { class: 'link', type: 'button', testid: 'add-item' }, 'Add a line');
  #editor = el('div', { class: 'line-editor', hidden: true });
  /** @type {OrderLine | null} */
  #line = null;
  /** @type {Field | null} */
  #field = null;

  /** @param {FieldMarks} marks */
  constructor(marks) {
    const props = { class: 'new-line', testid: 'field-items', data: { field: 'items' } };
    this.node = el('div', props, this.#add, this.#editor, marks.node);
    marks.frame = this.node;
  }

  /** @param {Field} field */
  wire(field) {
    this.#field = field;
    this.#add.onclick = () => field.open(null);
  }

  /** @param {Order} order @param {boolean} mayEdit */
  show({ items }, mayEdit) {
    this.#line = null;
    this.#editor.hidden = true;
    this.#add.hidden = !mayEdit || items.length >= MOST_LINES;
  }

  /** @param {import('../../api.js').Item | null} item @param {Order} order */
  edit(item, { currency }) {
    const line = new OrderLine(() => {});
    line.remove.hidden = true;
    if (item) line.show(item, false);
    line.node.addEventListener('input', () => line.showSum(currency));
    const field = /** @type {Field} */ (this.#field);
    this.#line = line;
    const buttons = editorButtons(field, { save: 'Add', testid: 'item' });
    this.#editor.replaceChildren(line.node, buttons.node);
    this.#add.hidden = true;
    this.#editor.hidden = false;
  }

  typed() {
    return this.#line?.typed;
  }

  /** @param {import('../order-line.js').Typed} typed @param {Order} order */
  meant(typed, { currency }) {
    return readLine(typed, currency);
  }

  focusEditor() {
    this.#line?.focus();
  }

  /** @param {Order} order */
  read({ currency, items }) {
    const line = /** @type {OrderLine} */ (this.#line);
    const fault = line.complain(currency, new Set(items.map((item) => item.sku)));
    fault?.focus();
    return fault ? undefined : line.read(currency);
  }

  /** A line that is not there yet cannot have been changed. */
  tell() {
    return '';
  }

  focus() {
    this.#add.focus();
  }
}
