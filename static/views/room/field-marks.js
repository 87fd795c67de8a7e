import { el, setText } from '../dom.js';
import { colour } from './avatar.js';
import { nameOf } from './texts.js';

/** @typedef {import('../../api.js').Person} Person */

/**
 * What is said at a field: who edits it, what others made of it, a draft, what went wrong. A button
 * stays the same node while it is shown: it may have the focus, or a press that is not over yet.
 */
export class FieldMarks {
  #editors = el('p', { class: 'editors', testid: 'editors', hidden: true });
  #theirs = el('span');
  #take = el('button', { class: 'link', type: 'button', testid: 'take-theirs' }, 'Take theirs');
  #hint = el(
    'p',
    { class: 'overtaken', dir: 'auto', testid: 'overtaken', hidden: true, role: 'status' },
    this.#theirs,
    this.#take,
  );
  #draftState = 'none';
  #draft = el('p', { class: 'draft-hint', testid: 'draft', hidden: true });
  #error = el('p', { class: 'form-error', role: 'alert', testid: 'field-error' });
  #doing;
  onTakeTheirs = () => {};
  onContinue = () => {};
  /** @type {HTMLElement | null} gets the colour of who edits */
  frame = null;

  /** @param {string} [doing] */
  constructor(doing = 'is editing') {
    this.#doing = doing;
    this.#take.onclick = () => this.onTakeTheirs();
    const parts = [this.#editors, this.#hint, this.#draft, this.#error];
    this.node = el('div', { class: 'marks' }, ...parts);
  }

  /** @param {Person[]} people @param {Person} me */
  editedBy(people, me) {
    this.#editors.hidden = people.length === 0;
    this.#markFrame(people[0] ?? null);
    if (people.length === 0) return;
    const names = people.map((one) => nameOf(one, me));
    const areMany = people.length > 1 || people[0].id === me.id;
    const verb = areMany ? this.#doing.replace('is', 'are') : this.#doing;
    const text = el('span', { dir: 'auto' }, `${names.join(' and ')} ${verb}\u00a0…`);
    colour(this.#editors, people[0]);
    this.#editors.replaceChildren(el('span', { class: 'editors-dot' }), text);
  }

  /** @param {string} who @param {string} theirs what they made of it; '' when it was not */
  overtaken(who, theirs) {
    this.#hint.hidden = theirs === '';
    if (theirs) setText(this.#theirs, `${who} changed this meanwhile: ${theirs}\u2002`);
  }

  /** @param {'none' | 'open' | 'waiting'} state */
  draft(state) {
    if (this.#draftState === state) return;
    this.#draftState = state;
    this.#draft.hidden = state === 'none';
    const on = { click: () => this.onContinue() };
    const props = { class: 'link', type: 'button', testid: 'continue-draft', on };
    const parts = state === 'open' ? ['Your draft'] : ['Your draft is kept.\u2002'];
    this.#draft.replaceChildren(...parts);
    if (state === 'waiting') this.#draft.append(el('button', props, 'Continue'));
  }

  /** @param {string} text */
  error(text) {
    setText(this.#error, text);
  }

  clear() {
    this.overtaken('', '');
    this.draft('none');
    this.error('');
  }

  /** @param {Person | null} person */
  #markFrame(person) {
    if (!this.frame) return;
    colour(this.frame, person);
    this.frame.classList.toggle('edited', person !== null);
  }
}
