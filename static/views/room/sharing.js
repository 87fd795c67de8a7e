import { Problem, sentenceOf } from '../../problems.js';
import { mayShare } from '../../status.js';
import { arrange, el, icon, setText } from '../dom.js';
import { avatar } from './avatar.js';

/**
 * @typedef {import('../../api.js').Order} Order
 * @typedef {import('../../api.js').Person} Person
 */

const EXAMPLE = 'Enter an e-mail address, such as cleo@tandem.example.';
const UNKNOWN = 'Nobody here has that e-mail address.';

/** With whom an order is shared; its owner and staff add people and take them away. */
export class SharingView {
  #room;
  #people = el('ul', { class: 'shared-people', 'aria-label': 'Shared with' });
  /** @type {Map<string, {node: HTMLElement, remove: HTMLButtonElement}>} */
  #nodes = new Map();
  #alone = el('p', { class: 'shared-nobody' }, 'Only the customer and staff see this order.');
  #email = el('input', {
    class: 'input',
    type: 'email',
    placeholder: 'E-mail address',
    autocomplete: 'off',
    testid: 'share-email',
    'aria-label': 'E-mail address of the person to share with',
  });
  #submit = el('button', { class: 'button', type: 'submit', testid: 'share' }, 'Share');
  #error = el('p', { class: 'form-error', role: 'alert', testid: 'share-error' });
  #form;

  /** @param {import('../../room.js').Room} room */
  constructor(room) {
    this.#room = room;
    const on = { submit: this.#share };
    const props = { class: 'share-form', noValidate: true, on };
    this.#form = el('form', props, this.#email, this.#submit);
    const title = el('h3', { class: 'section-title' }, 'Shared with');
    const parts = [title, this.#people, this.#alone, this.#form, this.#error];
    this.node = el('section', { class: 'sharing', testid: 'sharing' }, ...parts);
  }

  /** @param {Order} order */
  update(order) {
    const { user, end } = this.#room;
    const may = mayShare(order, user) && end === null;
    const people = order.collaborators;
    this.#form.hidden = !may;
    this.#alone.hidden = people.length > 0;
    this.node.hidden = !may && people.length === 0;
    const active = document.activeElement;
    const place = [...this.#people.children].findIndex((node) => node.contains(active));
    arrange(
      this.#people,
      people.map((person) => this.#nodeOf(person, may)),
    );
    if (place >= 0) this.#keepFocus(place);
  }

  /** It was on somebody who may be gone: the next one is nearest. @param {number} place */
  #keepFocus(place) {
    if (this.#people.contains(document.activeElement)) return;
    const next = this.#people.children[place] ?? this.#people.lastElementChild;
    /** @type {HTMLElement} */ (next?.querySelector('button') ?? this.#email).focus();
  }

  /** @param {Person} person @param {boolean} may */
  #nodeOf(person, may) {
    const known = this.#nodes.get(person.id) ?? this.#make(person);
    known.remove.hidden = !may;
    return known.node;
  }

  /** @param {Person} person */
  #make(person) {
    const label = `Stop sharing with ${person.name}`;
    const look = { class: 'shared-remove', type: 'button', 'aria-label': label, title: label };
    const remove = el('button', { ...look, testid: 'unshare' }, icon('close'));
    remove.onclick = () => this.#run(remove, () => this.#room.unshare(person.id));
    const props = { class: 'shared-person', testid: 'shared', data: { userId: person.id } };
    const made = {
      node: el('li', props, avatar(person), el('span', { dir: 'auto' }, person.name), remove),
      remove,
    };
    this.#nodes.set(person.id, made);
    return made;
  }

  /** @param {Event} event */
  #share = async (event) => {
    event.preventDefault();
    const email = this.#email.value.trim();
    if (!email || !this.#email.validity.valid) return this.#complain();
    const isDone = await this.#run(this.#submit, () => this.#room.share(email));
    if (isDone) this.#email.value = '';
    // Whoever has gone elsewhere while the answer was awaited stays there.
    if (this.#form.contains(document.activeElement)) this.#email.focus();
  };

  #complain() {
    setText(this.#error, EXAMPLE);
    this.#email.focus();
  }

  /** @param {HTMLButtonElement} button @param {() => Promise<unknown>} task */
  async #run(button, task) {
    if (button.ariaBusy === 'true') return false;
    button.ariaBusy = 'true';
    setText(this.#error, '');
    try {
      await task();
      return true;
    } catch (error) {
      setText(this.#error, sentence(error));
      return false;
    } finally {
      button.ariaBusy = 'false';
    }
  }
}

/** @param {unknown} error */
function sentence(error) {
  if (!(error instanceof Problem)) return sentenceOf(error);
  if (error.code === 'user_not_found') return UNKNOWN;
  // The browser is content with less than the server.
  return error.code === 'invalid_request' ? EXAMPLE : sentenceOf(error);
}
