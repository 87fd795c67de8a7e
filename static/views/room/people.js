import { arrange, el, setText } from '../dom.js';
import { avatar } from './avatar.js';

/** @typedef {import('../../api.js').Person} Person */

const MOST = 5;
const UNKNOWN = 'Who else is here is not known at the moment';

/** Who else looks at the order. */
export class PeopleView {
  #list = el('ul', { class: 'people-list', 'aria-label': 'Also looking at this order' });
  #unknown = el('p', { class: 'people-unknown', role: 'status' });
  #more = el('li', { class: 'people-more', hidden: true });
  /** @type {Map<string, HTMLElement>} */
  #nodes = new Map();

  constructor() {
    this.node = el('div', { class: 'people', testid: 'people' }, this.#unknown, this.#list);
    this.show([], true);
  }

  /** @param {Person[]} people @param {boolean} isKnown whether these are all */
  show(people, isKnown) {
    this.node.hidden = isKnown && people.length === 0;
    setText(this.#unknown, isKnown ? '' : UNKNOWN);
    const here = new Set(people.map((person) => person.id));
    for (const id of this.#nodes.keys()) if (!here.has(id)) this.#nodes.delete(id);
    const shown = people.slice(0, MOST).map((person) => this.#nodeOf(person));
    const left = people.slice(MOST);
    setText(this.#more, `+${left.length}`);
    this.#more.title = left.map((person) => person.name).join(', ');
    this.#more.hidden = left.length === 0;
    arrange(this.#list, [...shown, this.#more]);
  }

  /** @param {Person} person */
  #nodeOf(person) {
    const known = this.#nodes.get(person.id);
    if (known) return known;
    const image = avatar(person);
    image.removeAttribute('aria-hidden');
    image.role = 'img';
    image.ariaLabel = image.title = person.name;
    const node = el('li', { testid: 'person', data: { userId: person.id } }, image);
    this.#nodes.set(person.id, node);
    return node;
  }
}
