/**
 * What a person does to an order, and how it ended in a sentence.
 *
 * @typedef {import('./api.js').Order} Order
 * @typedef {import('./api.js').NewOrder} NewOrder
 * @typedef {import('./api.js').Status} Status
 * @typedef {import('./views/notices.js').Notices} Notices
 */

import { changeOrder, placeOrder } from './api.js';
import { randomKey } from './keys.js';
import { Problem, sentenceOf } from './problems.js';
import { STATUS_NAMES } from './status.js';

export class OrderActions {
  #orders;
  #notices;
  /** The last order that was sent and its key, so that a repeat after a failure is known as one. */
  #lastWish = { order: '', key: '' };

  /** @param {import('./realtime.js').Collection} orders @param {Notices} notices */
  constructor(orders, notices) {
    this.#orders = orders;
    this.#notices = notices;
  }

  /** Throws what the form has to show. @param {NewOrder} order */
  async place(order) {
    const placed = await placeOrder(order, this.#keyFor(order));
    this.#lastWish = { order: '', key: '' };
    this.#orders.take(placed);
    this.#notices.info(`Order ${placed.number} is placed.`);
  }

  /** Never throws: a card has no place for an error. @param {string} id @param {Status} status */
  async move(id, status) {
    const known = this.#orders.get(id);
    if (!known) return;
    try {
      const { order, merged } = await changeOrder(id, known.version, { status });
      this.#orders.take(order);
      // The card moves before one's eyes; a notice would only be in the way.
      if (merged) this.#notices.info(moved(order, merged));
      else this.#notices.say(moved(order, merged));
    } catch (error) {
      this.#refused(known, error);
    }
  }

  /** @param {Order} order @param {unknown} error */
  #refused(order, error) {
    if (!(error instanceof Problem)) return this.#notices.error(sentenceOf(error));
    if (error.status === 412 && error.current) {
      this.#orders.take(error.current);
      return this.#notices.info(overtaken(order, error));
    }
    if (error.status === 404) this.#orders.hide(order.id);
    this.#notices.error(`Order ${order.number}: ${error.message}`);
  }

  /** @param {NewOrder} order */
  #keyFor(order) {
    const text = JSON.stringify(order);
    if (text !== this.#lastWish.order) this.#lastWish = { order: text, key: randomKey() };
    return this.#lastWish.key;
  }
}

/** @param {Order} order @param {boolean} merged */
function moved(order, merged) {
  const sentence = `Order ${order.number} is now ${STATUS_NAMES[order.status].toLowerCase()}.`;
  return merged ? `${sentence} Others had changed it meanwhile; both changes were kept.` : sentence;
}

/** @param {Order} order as it was seen @param {Problem} problem */
function overtaken(order, { current, conflicts }) {
  const who = conflicts[0]?.by?.name ?? 'Someone else';
  const status = STATUS_NAMES[/** @type {Status} */ (current.status)].toLowerCase();
  return current.status === order.status
    ? `${who} changed order ${order.number} at the same moment. Have a look, then try again.`
    : `${who} was quicker: order ${order.number} is ${status} now. Your change was not made.`;
}
