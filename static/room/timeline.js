/**
 * All that has happened to an order, oldest first.
 *
 * @typedef {import('../order-events.js').OrderEvent} OrderEvent
 */

export class Timeline {
  #onChange;
  /** @type {Map<string, OrderEvent>} the same event may come by history and live */
  #events = new Map();

  /** @param {() => void} onChange */
  constructor(onChange) {
    this.#onChange = onChange;
  }

  get events() {
    return [...this.#events.values()].sort((a, b) => a.version - b.version);
  }

  /** @param {OrderEvent[]} events */
  take(events) {
    const before = this.#events.size;
    for (const event of events) if (!this.#events.has(event.id)) this.#events.set(event.id, event);
    if (this.#events.size !== before) this.#onChange();
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
