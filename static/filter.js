/**
 * Which orders are to be seen. It is kept in the fragment of the page's address, which no server
 * is told: a reload keeps it, and the address can be passed on.
 *
 * @typedef {import('./api.js').Order} Order
 * @typedef {import('./api.js').User} User
 * @typedef {{q: string, status: string, owner: string}} Values '' is no filter; `owner` is MINE or
 *   a person's id
 */

import { STATUSES } from './status.js';

export const MINE = 'mine';
const ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
/** What the server takes. */
export const LONGEST = 100;
const NAMES = /** @type {const} */ (['q', 'status', 'owner']);

/** Emits `change`, also when somebody goes back or changes the address by hand. */
export class Filter extends EventTarget {
  #values = readAddress();

  constructor() {
    super();
    addEventListener('hashchange', this.#onAddress);
  }

  close() {
    removeEventListener('hashchange', this.#onAddress);
  }

  get values() {
    return this.#values;
  }

  get isActive() {
    return NAMES.some((name) => this.#values[name] !== '');
  }

  /** @param {Partial<Values>} values */
  set(values) {
    if (this.#become({ ...this.#values, ...values })) writeAddress(this.#values);
  }

  clear() {
    this.set({ q: '', status: '', owner: '' });
  }

  /**
   * Whether an order is to be seen, for the rules by which the server searches.
   * @param {User} user
   * @returns {(order: Order) => boolean}
   */
  test(user) {
    const { status, owner_id: owner, q } = this.parameters(user);
    const text = q.toLowerCase();
    return (order) =>
      (!status || order.status === status) &&
      (!owner || order.owner.id === owner) &&
      (!text || String(order.number).startsWith(text) || textOf(order).includes(text));
  }

  /** As GET /orders takes them. @param {User} user */
  parameters({ id }) {
    const { q, status, owner } = this.#values;
    return { q: q.trim(), status, owner_id: owner === MINE ? id : owner };
  }

  /** The address tells of more than the filter. */
  #onAddress = () => this.#become(readAddress());

  /** @param {Values} next @returns {boolean} whether it is another */
  #become(next) {
    if (NAMES.every((name) => next[name] === this.#values[name])) return false;
    this.#values = next;
    this.dispatchEvent(new CustomEvent('change'));
    return true;
  }
}

/** @type {WeakMap<Order, string>} made once for each version of an order */
const texts = new WeakMap();

/** @param {Order} order */
function textOf(order) {
  let text = texts.get(order);
  if (text === undefined) {
    const lines = order.items.flatMap(({ sku, name }) => [sku, name]);
    text = [order.note ?? '', order.owner.name, ...lines].join('\n').toLowerCase();
    texts.set(order, text);
  }
  return text;
}

/** Whatever makes no sense is left out. @returns {Values} */
function readAddress() {
  const parameters = new URLSearchParams(location.hash.slice(1));
  const [q, status, owner] = NAMES.map((name) => parameters.get(name) ?? '');
  return {
    q: q.slice(0, LONGEST),
    status: STATUSES.some((known) => known === status) ? status : '',
    owner: owner === MINE || ID.test(owner) ? owner : '',
  };
}

/** @param {Values} values */
function writeAddress(values) {
  const parameters = new URLSearchParams(location.hash.slice(1));
  for (const name of NAMES) {
    parameters.delete(name);
    if (values[name]) parameters.append(name, values[name]);
  }
  const fragment = String(parameters);
  const { pathname, search } = location;
  history.replaceState(history.state, '', fragment ? `#${fragment}` : pathname + search);
}
