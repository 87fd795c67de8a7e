/**
 * Comments that were sent and have had no answer yet. They are kept for this window: with its key,
 * one that is sent again is written once, whatever became of it before.
 *
 * @typedef {{key: string, text: string, at: number}} Sent `at`: when first, by this browser's clock
 */

const FIELD = 'sent';

export class Unanswered {
  #drafts;

  /** @param {import('./drafts.js').Drafts} drafts */
  constructor(drafts) {
    this.#drafts = drafts;
  }

  /** @returns {Sent[]} oldest first */
  get list() {
    return this.#drafts.get(FIELD)?.sent ?? [];
  }

  /** @param {string} key @param {string} text */
  add(key, text) {
    if (this.list.some((one) => one.key === key)) return;
    this.#keep([...this.list, { key, text, at: Date.now() }]);
  }

  /** Answered, or given up. @param {string} key */
  remove(key) {
    this.#keep(this.list.filter((one) => one.key !== key));
  }

  /** @param {Sent[]} list */
  #keep(list) {
    if (list.length > 0) this.#drafts.keep(FIELD, { sent: list });
    else this.#drafts.drop(FIELD);
  }
}
