/**
 * Who looks at an order, however many windows each of them has open.
 *
 * @typedef {import('../api.js').Person} Person
 * @typedef {{user: string, client: string, conn_info?: {name?: string}}} ClientInfo
 */

export class People {
  #onChange;
  /** @type {Map<string, Person>} by client, which is one window */
  #windows = new Map();
  /** Presence is kept by Redis alone, so at times nobody can say who is here. */
  isKnown = true;

  /** @param {() => void} onChange */
  constructor(onChange) {
    this.#onChange = onChange;
  }

  /** Each person once, by name. @returns {Person[]} */
  list() {
    const each = new Map([...this.#windows.values()].map((person) => [person.id, person]));
    return [...each.values()].sort((a, b) => a.name.localeCompare(b.name));
  }

  /** @param {string} client */
  has(client) {
    return this.#windows.has(client);
  }

  /** What `presence` answers is the whole truth. @param {Record<string, ClientInfo>} presence */
  reset(presence) {
    this.#windows = new Map(
      Object.entries(presence).map(([client, info]) => [client, personOf(info)]),
    );
    this.isKnown = true;
    this.#onChange();
  }

  /** Whoever was here may have gone, and others may have come. */
  forget() {
    this.#windows.clear();
    this.isKnown = false;
    this.#onChange();
  }

  /** @param {ClientInfo} info */
  join(info) {
    this.#windows.set(info.client, personOf(info));
    this.#onChange();
  }

  /** @param {ClientInfo} info */
  leave(info) {
    if (this.#windows.delete(info.client)) this.#onChange();
  }
}

/** @param {ClientInfo} info @returns {Person} */
export function personOf({ user, conn_info: about }) {
  return { id: user, name: about?.name ?? 'Someone' };
}
