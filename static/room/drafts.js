/**
 * What a person was typing, kept for this window until it is saved or discarded: it outlives a
 * reload and a closed order. What the browser refuses to keep lives as long as its input.
 *
 * @typedef {import('../api.js').Order} Order
 * @typedef {object} Kept
 * @property {any} [typed] as the inputs hold it
 * @property {Order} [base] the order on which it was made
 * @property {any} [sent] what was sent of it, with its key: it may have been done
 */

const PREFIX = 'tandem.drafts/';

/** The drafts of one person in one order, by field; `new` is an order that is yet to be placed. */
export class Drafts {
  #key;

  /** @param {string} user @param {string} order */
  constructor(user, order) {
    this.#key = `${PREFIX}${user}/${order}`;
  }

  get fields() {
    return Object.keys(this.#read());
  }

  /** @param {string} field @returns {Kept | null} */
  get(field) {
    return this.#read()[field] ?? null;
  }

  /** @param {string} field @param {Kept} kept */
  keep(field, kept) {
    this.#write({ ...this.#read(), [field]: kept });
  }

  /** @param {string} field */
  drop(field) {
    const { [field]: dropped, ...left } = this.#read();
    if (dropped) this.#write(left);
  }

  /** @returns {Record<string, Kept>} */
  #read() {
    try {
      return JSON.parse(sessionStorage.getItem(this.#key) ?? '{}');
    } catch {
      return {};
    }
  }

  /** @param {Record<string, Kept>} drafts */
  #write(drafts) {
    try {
      if (Object.keys(drafts).length === 0) sessionStorage.removeItem(this.#key);
      else sessionStorage.setItem(this.#key, JSON.stringify(drafts));
    } catch {
      // Full, or forbidden.
    }
  }
}

/** Nobody who signs in later in this window finds them. */
export function forgetDrafts() {
  try {
    for (const key of Object.keys(sessionStorage)) {
      if (key.startsWith(PREFIX)) sessionStorage.removeItem(key);
    }
  } catch {
    // Forbidden: there are none.
  }
}
