import { el, setText } from '../dom.js';
import { avatar, colour } from './avatar.js';

/** @typedef {import('../../api.js').Person} Person */

/** What is said at a field: who edits it, that it was changed meanwhile, what went wrong. */
export class FieldMarks {
  #editors = el('p', { class: 'editors', testid: 'editors', hidden: true });
  #hint = el('p', { class: 'overtaken', testid: 'overtaken', hidden: true, role: 'status' });
  #error = el('p', { class: 'form-error', role: 'alert', testid: 'field-error' });
  #doing;
  onTakeTheirs = () => {};
  /** @type {HTMLElement | null} gets the colour of who edits */
  frame = null;

  /** @param {string} [doing] */
  constructor(doing = 'is editing') {
    this.#doing = doing;
    this.node = el('div', { class: 'marks' }, this.#editors, this.#hint, this.#error);
  }

  /** @param {Person[]} people @param {Person} me */
  editedBy(people, me) {
    this.#editors.hidden = people.length === 0;
    this.#markFrame(people[0] ?? null);
    if (people.length === 0) return;
    const names = people.map((one) => (one.id === me.id ? 'You, in another window,' : one.name));
    const verb = people.length > 1 ? this.#doing.replace('is', 'are') : this.#doing;
    const text = el('span', {}, `${names.join(' and ')} ${verb}\u00a0…`);
    colour(this.#editors, people[0]);
    this.#editors.replaceChildren(avatar(people[0]), text);
  }

  /** @param {Person | null} by @param {string} theirs what they made of it; '' when it was not */
  overtaken(by, theirs) {
    this.#hint.hidden = theirs === '';
    if (!theirs) return;
    const who = by?.name ?? 'Someone';
    const on = { click: () => this.onTakeTheirs() };
    const take = el('button', { class: 'link', type: 'button', testid: 'take-theirs', on });
    take.append('Take theirs');
    this.#hint.replaceChildren(`${who} changed this meanwhile: ${theirs}\u2002`, take);
  }

  /** @param {string} text */
  error(text) {
    setText(this.#error, text);
  }

  clear() {
    this.overtaken(null, '');
    this.error('');
  }

  /** @param {Person | null} person */
  #markFrame(person) {
    if (!this.frame) return;
    colour(this.frame, person);
    this.frame.classList.toggle('edited', person !== null);
  }
}
