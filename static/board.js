/**
 * The board: wires the list of orders, the connection and the views together.
 *
 * @typedef {import('./api.js').User} User
 * @typedef {import('./api.js').Order} Order
 * @typedef {import('./api.js').NewOrder} NewOrder
 * @typedef {import('./realtime/channel.js').Publication} Publication
 *
 * @typedef {object} Outside what the board asks of the page it is part of
 * @property {(reason: string) => void} onSignedOut
 * @property {() => void} onRoleChanged
 * @property {import('./views/notices.js').Notices} notices
 */

import { readOrders } from './api.js';
import { Feed } from './feed.js';
import { applyOrderEvent, narrate } from './order-events.js';
import { OrderActions } from './order-actions.js';
import { sentenceOf } from './problems.js';
import { RealtimeClient } from './realtime.js';
import { Room } from './room.js';
import { accessToken, readSession, signOut } from './session.js';
import { Store } from './store.js';
import { BoardView } from './views/board-view.js';

/** So many orders are loaded unasked; more than anyone reads, and still scrolled smoothly. */
const LOADED_UNASKED = 1000;
/** How often to try again by oneself when the orders cannot be read. */
const RELOAD_PAUSE = 5000;
/** How long to wait before asking a server again that has sent us away. */
const TERMINATED_PAUSE = 5000;

const RESTRICTED =
  'Too many windows of Tandem are open with this account. Close some, then connect.';
const INCOMPATIBLE = 'This page no longer understands the server. Please reload it.';

export class Board {
  #user;
  #outside;
  /** @type {Store<Order>} */
  #store = new Store();
  #client = new RealtimeClient({ url: '/ws', getToken: accessToken });
  #feed;
  #actions;
  #view;
  #isOpen = true;
  #isLoading = false;
  /** @type {any} */
  #reloadTimer = null;

  /** @param {User} user @param {Outside} outside */
  constructor(user, outside) {
    this.#user = user;
    this.#outside = outside;
    this.#actions = new OrderActions(this.#store, outside.notices);
    this.#view = new BoardView(user, this.#store, {
      onMove: (id, status) => this.#actions.move(id, status),
      onPlace: (order) => this.#actions.place(order),
      enter: (id) => this.#enter(id),
      onMore: () => this.#loadMore(),
      onRetry: () => this.#client.connect(),
      onReload: () => this.#load(),
      onSignOut: () => this.#signOut(),
    });
    this.node = this.#view.node;
    this.#feed = new Feed({
      client: this.#client,
      store: this.#store,
      read: readOrders,
      apply: (event) => this.#apply(event),
    });
    this.#listen();
  }

  open() {
    this.#client.connect();
    return this.#load();
  }

  /** @param {string} id */
  #enter(id) {
    return new Room(id, this.#store.get(id), {
      client: this.#client,
      user: this.#user,
      onOrder: (order) => this.#actions.learn(order),
    });
  }

  close() {
    this.#isOpen = false;
    clearTimeout(this.#reloadTimer);
    this.#feed.close();
    this.#client.dispose();
    this.#view.close();
  }

  #listen() {
    on(this.#store, 'change', (change) => this.#view.change(change));
    on(this.#client, 'state', (state) => this.#view.connection.show(state));
    on(this.#client, 'terminated', (closed) => this.#terminated(closed));
    on(this.#feed, 'page', () => this.#pageArrived());
    on(this.#feed, 'publication', (publication) => this.#narrate(publication));
    on(this.#feed, 'ended', () => this.#outside.onRoleChanged());
    const own = this.#client.channel(`users:${this.#user.id}`);
    on(own, 'publication', ({ data }) => this.#userChanged(data));
  }

  async #load() {
    clearTimeout(this.#reloadTimer);
    try {
      await this.#feed.open();
      this.#view.settle();
    } catch (error) {
      if (!this.#isOpen) return;
      if (!readSession()) return this.#outside.onSignedOut(sentenceOf(error));
      this.#view.showFailure(sentenceOf(error));
      this.#reloadTimer = setTimeout(() => this.#load(), RELOAD_PAUSE);
    }
  }

  /** One page follows the other, when there is time for it, up to a sensible number. */
  #pageArrived() {
    this.#showExtent();
    if (this.#feed.isComplete || this.#store.size >= LOADED_UNASKED) return;
    whenIdle(() => this.#loadMore());
  }

  async #loadMore() {
    if (this.#isLoading || !this.#isOpen) return;
    this.#isLoading = true;
    this.#showExtent();
    try {
      await this.#feed.more();
    } catch (error) {
      if (this.#isOpen) this.#outside.notices.error(sentenceOf(error));
    }
    this.#isLoading = false;
    this.#showExtent();
  }

  #showExtent() {
    const { isComplete } = this.#feed;
    this.#view.showExtent({ isComplete, isLoading: this.#isLoading });
  }

  /** @param {any} event of the channel that the feed follows */
  #apply(event) {
    // A customer's channel also carries news of the customer.
    if (event.order) applyOrderEvent(this.#store, event);
  }

  /** @param {Publication} publication */
  #narrate({ data: event, receivedAt }) {
    if (!event.order) return;
    const sentence = narrate(event, this.#store.get(event.order.id));
    this.#view.happened(sentence, receivedAt - Date.parse(event.at));
    // What one did oneself has been said by a notice.
    if (event.actor?.id !== this.#user.id) this.#outside.notices.say(sentence);
  }

  /** @param {any} event */
  #userChanged({ user }) {
    if (user?.id !== this.#user.id) return;
    if (user.role !== this.#user.role) return this.#outside.onRoleChanged();
    this.#user = user;
    this.#view.topBar.show(user);
  }

  /** @param {{code: number}} closed */
  async #terminated({ code }) {
    if (!this.#isOpen) return;
    if (code === 3504) return this.#view.connection.showEnd(RESTRICTED);
    if (code !== 0 && code !== 3500 && code !== 3503) {
      return this.#view.connection.showEnd(INCOMPATIBLE);
    }
    if (await this.#isSignedOut()) return;
    setTimeout(() => this.#isOpen && this.#client.connect(), TERMINATED_PAUSE);
  }

  /** The socket or a request was refused: is it only the token, or the whole session? */
  async #isSignedOut() {
    const token = await accessToken(readSession()?.access).catch(() => '');
    if (token !== null || !this.#isOpen) return false;
    this.#outside.onSignedOut('Your session has ended. Please sign in again.');
    return true;
  }

  async #signOut() {
    this.close();
    await signOut();
    this.#outside.onSignedOut('');
  }
}

/** @param {EventTarget} target @param {string} type @param {(detail: any) => void} callback */
function on(target, type, callback) {
  target.addEventListener(type, (event) => callback(/** @type {CustomEvent} */ (event).detail));
}

/** @param {() => void} task */
function whenIdle(task) {
  if ('requestIdleCallback' in window) requestIdleCallback(task, { timeout: 500 });
  else setTimeout(task, 50);
}
