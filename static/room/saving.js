/**
 * Optimistic edits: shown at once, sent one after the other, taken back when they are refused.
 *
 * @typedef {import('../api.js').Order} Order
 * @typedef {import('./edits.js').Edit} Edit
 * @typedef {{order: Order, merged: boolean, from: number}} Saved `from`: the version it was
 *   based on
 */

import { Problem } from '../problems.js';
import { conflictsOf, differing, isSame, patchOf, valueOf, withEdit } from './edits.js';

export class Saving {
  #change;
  #onChange;
  /** @type {Order | null} as the server knows it */
  confirmed;
  #isDoubted = false;
  /** @type {Set<Edit>} on the way */
  #edits = new Set();
  /** @type {Map<number, Order>} versions that came about here: nobody else's change lies between */
  #own = new Map();
  /** @type {Map<string, Saved>} by field: what came of the last edit of it, merged or not */
  #answers = new Map();
  /** @type {Promise<unknown>} the end of what is on the way */
  #last = Promise.resolve();

  /**
   * @param {Order | null} known
   * @param {typeof import('../api.js').changeOrder} change
   * @param {() => void} onChange
   */
  constructor(known, change, onChange) {
    this.confirmed = known;
    this.#change = change;
    this.#onChange = onChange;
  }

  /** @returns {Order | null} with what is on the way */
  get shown() {
    return this.confirmed && [...this.#edits].reduce(withEdit, this.confirmed);
  }

  /**
   * Whether there is something to save: what was saved since `base`, or is on its way, or others
   * have changed, is changed by its old value, too. Who saves wants what they see, typed or not.
   * @param {Edit} edit @param {Order} base
   */
  isChange(edit, base) {
    const isSaving = Object.keys(edit).some((field) => this.isSaving(field));
    const known = [this.#baseOf(edit, base), this.confirmed ?? base];
    return isSaving || known.some((order) => isDifferent(order, edit));
  }

  /** Whether an edit of it is on its way. @param {string} field */
  isSaving(field) {
    return [...this.#edits].some((edit) => field in edit);
  }

  /**
   * The value that is no news to who edits on `base`: what came of their own edits since.
   * @param {string} field @param {Order} base
   */
  knownValue(field, base) {
    const own = this.#latestOwn(base);
    return valueOf(this.#laterOwn(field, own) ?? own, field);
  }

  /** The server may know of less than it did: whatever version it tells of next is taken. */
  doubt() {
    this.#isDoubted = true;
    this.#own.clear();
    this.#answers.clear();
  }

  /** @param {Order} order @returns {boolean} whether it is newer than what was known */
  take(order) {
    const known = this.#isDoubted ? null : this.confirmed;
    if (known && known.version >= order.version) return false;
    this.confirmed = order;
    this.#isDoubted = false;
    this.#onChange();
    return true;
  }

  /**
   * @param {Edit} edit
   * @param {Order} base the order on which it was made
   * @returns {Promise<Saved>}
   */
  async save(edit, base) {
    this.#edits.add(edit);
    this.#onChange();
    const sending = this.#last.then(() => this.#send(edit, this.#baseOf(edit, base)));
    this.#last = sending.catch(() => {});
    try {
      return await sending;
    } finally {
      this.#edits.delete(edit);
      this.#onChange();
    }
  }

  /** @param {Edit} edit @param {Order} base @returns {Promise<Saved>} */
  async #send(edit, base) {
    try {
      const answer = await this.#change(base.id, base.version, patchOf(base, edit));
      if (isPassedOver(edit, base, answer.order)) throw overtaken(answer.order);
      const isNext = answer.order.version === base.version + 1;
      if (isNext && !answer.merged) this.#own.set(answer.order.version, answer.order);
      return this.#saved(edit, { ...answer, from: base.version });
    } catch (error) {
      if (!(error instanceof Problem) || !error.current) throw error;
      this.take(error.current);
      const isTold = error.conflicts.length > 0;
      const conflicts = isTold ? error.conflicts : conflictsOf(edit, base, error.current);
      error.conflicts = conflicts.filter(
        ({ field, yours, theirs }) => field in edit && !isSame(yours, theirs),
      );
      if (!isTold || error.conflicts.length > 0) throw error;
      return this.#sendRest(edit, base, error.current);
    }
  }

  /**
   * What others made the same, or was sent before and its answer was lost, is saved; what else
   * there is conflicts with nothing.
   * @param {Edit} edit @param {Order} base @param {Order} current @returns {Promise<Saved>}
   */
  async #sendRest(edit, base, current) {
    const rest = differing(current, edit);
    if (Object.keys(rest).length > 0) return this.#send(rest, current);
    return this.#saved(edit, { order: current, merged: false, from: base.version });
  }

  /** @param {Edit} edit @param {Saved} saved */
  #saved(edit, saved) {
    for (const field of Object.keys(edit)) this.#answers.set(field, saved);
    this.take(saved.order);
    return saved;
  }

  /**
   * What is edited once more, or taken back, is based on what came of the edit before, even where
   * that was merged: nobody else had changed the field in between. Else one would conflict with
   * oneself, and the server takes the value of the base for no edit.
   * @param {Edit} edit @param {Order} base @returns {Order}
   */
  #baseOf(edit, base) {
    const own = this.#latestOwn(base);
    const later = Object.keys(edit).map((field) => this.#laterOwn(field, own));
    const isOurs = later.every((order) => order !== null && order.version === later[0]?.version);
    if (isOurs && later[0]) return later[0];
    if (isDifferent(own, edit)) return own;
    return later.find((order) => order !== null) ?? own;
  }

  /** What came of an edit of the field, made on `base` or before. @param {string} field @param {Order} base */
  #laterOwn(field, base) {
    const saved = this.#answers.get(field);
    if (!saved || saved.from > base.version || saved.order.version <= base.version) return null;
    return saved.order;
  }

  /** One does not conflict with oneself. @param {Order} base @returns {Order} */
  #latestOwn(base) {
    const next = this.#own.get(base.version + 1);
    return next ? this.#latestOwn(next) : base;
  }
}

/**
 * To the server, a line that is sent as it was at the base is not touched: it stays what others
 * have made of it, whatever was wanted.
 * @param {Edit} edit @param {Order} base @param {Order} saved
 */
function isPassedOver(edit, base, saved) {
  return !isDifferent(base, edit) && isDifferent(saved, edit);
}

/** @param {Order} current */
function overtaken(current) {
  return new Problem(412, { code: 'order_changed', current }, 0);
}

/** @param {Order} order @param {Edit} edit */
function isDifferent(order, edit) {
  return Object.keys(differing(order, edit)).length > 0;
}
