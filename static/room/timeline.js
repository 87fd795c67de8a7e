/**
 * All that has happened to an order, oldest first.
 *
 * @typedef {import('../order-events.js').OrderEvent} OrderEvent
 */

export class Timeline {
  #onChange;
  /** @type {Map<string, OrderEvent>} of the history as it was read, and what is not sure any more */
  #read = new Map();
  /** @type {Map<string, OrderEvent>} live since then; the same event may be in both */
  #heard = new Map();

  /** @param {() => void} onChange */
  constructor(onChange) {
    this.#onChange = onChange;
  }

  get events() {
    return [...this.#all.values()].sort((a, b) => a.version - b.version);
  }

  get #all() {
    return new Map([...this.#read, ...this.#heard]);
  }

  /** The whole history, in place of all but what is heard. @param {OrderEvent[]} events */
  fill(events) {
    this.#read = new Map(events.map((event) => [event.id, event]));
    this.#onChange();
  }

  /** @param {OrderEvent} event */
  hear(event) {
    if (this.#all.has(event.id)) return;
    this.#heard.set(event.id, event);
    this.#onChange();
  }

  /** What was heard may be lost: it stays until the history is read again. */
  doubt() {
    this.#read = this.#all;
    this.#heard = new Map();
  }

  /**
   * Who last changed one of these fields.
   * @param {string[]} fields
   * @param {number} after version
   * @returns {OrderEvent | undefined}
   */
  lastChange(fields, after) {
    return this.events.findLast(
      ({ version, changed }) => version > after && fields.some((field) => field in (changed ?? {})),
    );
  }

  /** What others did between two versions. @param {number} after @param {number} before */
  between(after, before) {
    return this.events.filter(({ version }) => version > after && version < before);
  }
}
