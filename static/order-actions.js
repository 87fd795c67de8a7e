/**
 * What a person does to an order, and how it ended in a sentence.
 *
 * @typedef {import('./api.js').Order} Order
 * @typedef {import('./api.js').NewOrder} NewOrder
 * @typedef {import('./api.js').Status} Status
 * @typedef {import('./views/notices.js').Notices} Notices
 */

import { changeOrder, placeOrder } from './api.js';
import { Problem, sentenceOf, Unreachable } from './problems.js';
import { sleep } from './realtime/pages.js';
import { STATUS_NAMES } from './status.js';

/** So long a move waits for the connection. */
const PATIENCE = 30_000;
/** Between two tries, where the connection is not known to be gone. */
const PAUSE = 1000;

export class OrderActions {
  #client;
  #orders;
  #notices;
  #isOpen = true;

  /**
   * @param {import('./realtime.js').RealtimeClient} client
   * @param {import('./realtime.js').Collection} orders
   * @param {Notices} notices
   */
  constructor(client, orders, notices) {
    this.#client = client;
    this.#orders = orders;
    this.#notices = notices;
  }

  /** What waits for the connection is not sent any more. */
  close() {
    this.#isOpen = false;
  }

  /**
   * Throws what the form has to show.
   * @param {NewOrder} order @param {string} key the same for every repeat of one wish
   */
  async place(order, key) {
    const placed = await placeOrder(order, key);
    this.#orders.take(placed);
    this.#notices.info(`Order ${placed.number} is placed.`);
  }

  /** Never throws: a card has no place for an error. @param {string} id @param {Status} status */
  async move(id, status) {
    const known = this.#orders.get(id);
    if (!known) return;
    try {
      const { order, merged } = await this.#sendMove(known, status);
      this.#orders.take(order);
      // The card moves before one's eyes; a notice would only be in the way.
      if (merged) this.#notices.info(moved(order, merged));
      else this.#notices.say(moved(order, merged));
    } catch (error) {
      if (this.#isOpen) this.#refused(known, status, error);
    }
  }

  /**
   * Sent again when there is a connection: the version makes sure that it is done once at most.
   * @param {Order} order @param {Status} status
   */
  async #sendMove(order, status) {
    const deadline = Date.now() + PATIENCE;
    for (let tries = 0; ; tries += 1) {
      try {
        return await changeOrder(order.id, order.version, { status });
      } catch (error) {
        if (!isPassing(error) || Date.now() >= deadline) throw error;
        if (tries === 0) this.#notices.info(`Order ${order.number}: waiting for the connection.`);
        await this.#connection(deadline);
        if (!this.#isOpen) throw error;
      }
    }
  }

  /** @param {number} deadline */
  #connection(deadline) {
    const connected = sleep(PAUSE).then(() => this.#client.connected());
    return Promise.race([connected, sleep(deadline - Date.now())]);
  }

  /** @param {Order} order @param {Status} status @param {unknown} error */
  #refused(order, status, error) {
    if (!(error instanceof Problem)) return this.#notices.error(sentenceOf(error));
    if (error.status === 412 && error.current) {
      this.#orders.take(error.current);
      // Somebody did the same, or an answer was lost on its way here.
      if (error.current.status === status) return this.#notices.say(moved(error.current, false));
      return this.#notices.info(overtaken(order, error));
    }
    if (error.status === 404) this.#orders.hide(order.id, order.version);
    this.#notices.error(`Order ${order.number}: ${error.message}`);
  }
}

/** Whether it may go well a little later. @param {unknown} error */
function isPassing(error) {
  return error instanceof Unreachable || (error instanceof Problem && error.status === 503);
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
