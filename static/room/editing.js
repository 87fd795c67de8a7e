/**
 * Who is editing which field, as signals tell it. A signal says "still at it" and is repeated, so
 * one that nobody takes back ends by itself.
 *
 * @typedef {import('../api.js').Person} Person
 * @typedef {import('./people.js').ClientInfo} ClientInfo
 */

import { personOf } from './people.js';

export const REPEAT = 3000;
/** Two repeats may be lost before somebody counts as gone. */
const EXPIRY = 2 * REPEAT + 1000;

/** What others are editing. */
export class Editing {
  #onChange;
  /** @type {Map<string, {field: string, person: Person, timer: any}>} by client */
  #windows = new Map();

  /** @param {() => void} onChange */
  constructor(onChange) {
    this.#onChange = onChange;
  }

  /** @param {string} field @returns {Person[]} each person once */
  of(field) {
    const there = [...this.#windows.values()].filter((one) => one.field === field);
    return [...new Map(there.map(({ person }) => [person.id, person])).values()];
  }

  /** @param {ClientInfo} info @param {string | null} field */
  take(info, field) {
    const known = this.#windows.get(info.client);
    clearTimeout(known?.timer);
    if (field === null) return this.drop(info.client);
    const timer = setTimeout(() => this.drop(info.client), EXPIRY);
    this.#windows.set(info.client, { field, person: personOf(info), timer });
    if (known?.field !== field) this.#onChange();
  }

  /** @param {string} client */
  drop(client) {
    clearTimeout(this.#windows.get(client)?.timer);
    if (this.#windows.delete(client)) this.#onChange();
  }

  /** @param {(client: string) => boolean} isThere */
  dropUnless(isThere) {
    for (const client of [...this.#windows.keys()]) if (!isThere(client)) this.drop(client);
  }
}

/** What this window tells the others. */
export class EditingSignal {
  #send;
  /** @type {string | null} */
  #field = null;
  /** @type {any} */
  #timer = null;

  /** @param {(field: string | null) => void} send */
  constructor(send) {
    this.#send = send;
  }

  /** @param {string} field */
  start(field) {
    if (this.#field === field) return;
    this.#field = field;
    clearInterval(this.#timer);
    this.#timer = setInterval(() => this.#send(field), REPEAT);
    this.#send(field);
  }

  /**
   * Only the field that was started last: focus may be in the next one already.
   * @param {string} field
   */
  stop(field) {
    if (this.#field !== field) return;
    this.#field = null;
    clearInterval(this.#timer);
    this.#send(null);
  }

  /** Tell someone who has just come. */
  repeat() {
    if (this.#field !== null) this.#send(this.#field);
  }

  close() {
    if (this.#field !== null) this.stop(this.#field);
  }
}
