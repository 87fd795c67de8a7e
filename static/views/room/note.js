import { el, icon, setText } from '../dom.js';
import { FieldMarks } from './field-marks.js';
import { Field } from './field.js';
import { editorButtons } from './editor-buttons.js';
import { LengthHint } from './length.js';

/** @typedef {import('../../api.js').Order} Order */

const SHORT = 80;

/** The note of an order. @param {import('./field.js').RoomContext} context */
export function noteField(context) {
  const marks = new FieldMarks();
  const face = new NoteFace(marks);
  const field = new Field('note', context, marks, face);
  face.wire(field);
  return { field, node: face.node };
}

class NoteFace {
  #text = el('p', { class: 'note-text', dir: 'auto', testid: 'note' });
  #pen = el('button', { class: 'button icon-only pen', type: 'button', testid: 'edit-note' });
  #add = el('button', { class: 'link', type: 'button', testid: 'add-note' }, 'Add a note');
  #shown;
  #input = el('textarea', {
    class: 'input',
    rows: 4,
    dir: 'auto',
    testid: 'note-input',
    'aria-label': 'Note',
  });
  #editor = el('div', { class: 'editor', hidden: true });
  /** @type {LengthHint | null} */
  #length = null;

  /** @param {FieldMarks} marks */
  constructor(marks) {
    this.#pen.append(icon('pencil'));
    this.#pen.ariaLabel = this.#pen.title = 'Edit the note';
    this.#shown = el('div', { class: 'note' }, this.#text, this.#pen);
    const parts = [this.#shown, this.#add, this.#editor, marks.node];
    const props = { class: 'room-note', 'aria-label': 'Note', testid: 'field-note' };
    this.node = el('section', { ...props, data: { field: 'note' } }, ...parts);
    marks.frame = this.node;
  }

  /** @param {Field} field */
  wire(field) {
    for (const button of [this.#pen, this.#add]) button.onclick = () => field.open();
    const buttons = editorButtons(field, { save: 'Save note', testid: 'note' });
    this.#length = new LengthHint(this.#input, buttons.main);
    this.#editor.append(this.#input, this.#length.node, buttons.node);
  }

  /** @param {Order} order @param {boolean} mayEdit */
  show({ note }, mayEdit) {
    this.#editor.hidden = true;
    this.#shown.hidden = !note;
    this.#add.hidden = Boolean(note) || !mayEdit;
    this.#pen.hidden = !mayEdit;
    setText(this.#text, note ?? '');
    this.node.hidden = !note && !mayEdit;
  }

  /** @param {string | null} value */
  edit(value) {
    this.#shown.hidden = this.#add.hidden = true;
    this.#editor.hidden = false;
    this.#input.readOnly = false;
    this.#input.value = value ?? '';
    this.#length?.update();
    this.node.hidden = false;
  }

  typed() {
    return this.#input.value;
  }

  /** @param {string} typed */
  meant(typed) {
    return typed.trim() || null;
  }

  focusEditor() {
    this.#input.focus();
  }

  read() {
    return this.#length?.isOver ? undefined : this.meant(this.typed());
  }

  /** @param {string | null} value */
  tell(value) {
    if (!value) return 'it has no note now.';
    return `“${value.length > SHORT ? `${value.slice(0, SHORT)}…` : value}”`;
  }

  focus() {
    (this.#add.hidden ? this.#pen : this.#add).focus();
  }
}
