/**
 * The board: wires the list of orders, the connection and the views together.
 *
 * @typedef {import('./api.js').User} User
 * @typedef {import('./api.js').Order} Order
 * @typedef {import('./realtime/collection.js').Change} Change
 *
 * @typedef {object} Outside what the board asks of the page it is part of
 * @property {(reason: string) => void} onSignedOut
 * @property {() => void} onSignOut
 * @property {import('./views/notices.js').Notices} notices
 */

import { OwnAccount } from './account.js';
import { Dismissal } from './dismissal.js';
import { Filter } from './filter.js';
import { OrderActions } from './order-actions.js';
import { narrate } from './order-events.js';
import { OrderSearch } from './order-search.js';
import { sentenceOf } from './problems.js';
import { Collection, RealtimeClient } from './realtime.js';
import { Room } from './room.js';
import { accessToken, readSession } from './session.js';
import { BoardView } from './views/board-view.js';

const ORDERS = '/api/v1/orders';
/** So many orders are loaded unasked; more than anyone reads, and still scrolled smoothly. */
const LOADED_UNASKED = 1000;
/** How often to try again by oneself when the orders cannot be read. */
const RELOAD_PAUSE = 5000;

export class Board {
  #user;
  #outside;
  #client = new RealtimeClient({ url: '/ws', getToken: accessToken });
  #orders = new Collection(this.#client, ORDERS, { onChange: (change) => this.#changed(change) });
  #filter = new Filter();
  #search = new OrderSearch(this.#orders, (error) => this.#failed(error));
  #account;
  #actions;
  #view;
  #dismissal;
  #isOpen = true;
  #isLoading = false;
  /** @type {any} */
  #reloadTimer = null;

  /** @param {User} user @param {Outside} outside */
  constructor(user, outside) {
    this.#user = user;
    this.#outside = outside;
    this.#actions = new OrderActions(this.#client, this.#orders, outside.notices);
    this.#view = new BoardView(user, this.#orders, this.#filter, {
      onMove: (id, status) => this.#actions.move(id, status),
      onPlace: (order, key) => this.#actions.place(order, key),
      enter: (id) => this.#enter(id),
      onRefused: (sentence) => this.#isOpen && outside.notices.error(sentence),
      onMore: () => this.#loadMore(),
      onRetry: () => this.#client.connect(),
      onReload: () => this.#load(),
      onSignOut: outside.onSignOut,
    });
    this.node = this.#view.node;
    const { connection } = this.#view;
    this.#dismissal = new Dismissal(this.#client, connection, outside.onSignedOut);
    this.#account = new OwnAccount(this.#client, user.id, (now) => this.#userChanged(now));
    this.#listen();
  }

  open() {
    this.#client.connect();
    return this.#load();
  }

  /** @param {string} id */
  #enter(id) {
    return new Room(id, this.#orders.get(id), {
      client: this.#client,
      user: this.#user,
      onSaved: (order) => this.#orders.take(order),
      onLost: (sentence) => this.#isOpen && this.#outside.notices.error(sentence),
    });
  }

  close() {
    this.#isOpen = false;
    clearTimeout(this.#reloadTimer);
    this.#dismissal.close();
    this.#account.close();
    this.#actions.close();
    this.#search.stop();
    this.#filter.close();
    this.#orders.close();
    this.#client.dispose();
    this.#view.close();
  }

  #listen() {
    on(this.#client, 'state', (state) => this.#view.connection.show(state));
    on(this.#filter, 'change', () => this.#filtered());
    on(this.#search, 'state', () => this.#view.showSearching(this.#search.isBusy));
  }

  async #load() {
    clearTimeout(this.#reloadTimer);
    try {
      await this.#orders.open();
      if (!this.#isOpen) return;
      this.#view.settle();
      this.#filtered();
      this.#loadOn();
    } catch (error) {
      if (!this.#isOpen) return;
      if (!readSession()) return this.#outside.onSignedOut(sentenceOf(error));
      this.#view.showFailure(sentenceOf(error));
      this.#reloadTimer = setTimeout(() => this.#load(), RELOAD_PAUSE);
    }
  }

  /** One page follows the other, when there is time for it, up to a sensible number. */
  #loadOn() {
    this.#showExtent();
    if (!this.#orders.isComplete && this.#orders.size < LOADED_UNASKED) {
      whenIdle(() => this.#loadMore());
    }
  }

  async #loadMore() {
    if (this.#isLoading || !this.#isOpen) return;
    this.#isLoading = true;
    this.#showExtent();
    try {
      const isRead = await this.#orders.more();
      this.#isLoading = false;
      // Else the change that ends the reading loads on.
      if (isRead) this.#loadOn();
      else this.#showExtent();
    } catch (error) {
      this.#isLoading = false;
      this.#showExtent();
      this.#failed(error);
    }
  }

  #showExtent() {
    const { isComplete } = this.#orders;
    this.#view.showExtent({ isComplete, isLoading: this.#isLoading });
  }

  /** @param {unknown} error */
  #failed(error) {
    if (this.#isOpen) this.#outside.notices.error(sentenceOf(error));
  }

  /** @param {Change} change */
  #changed(change) {
    this.#view.change(change);
    if (change.event) this.#narrate(change);
    if (change.source !== 'reset') return;
    // What a search had found beyond the pages that were read again is to be looked for again.
    this.#filtered();
    this.#loadOn();
  }

  #filtered() {
    this.#view.filter();
    this.#search.ask(this.#filter.isActive ? this.#filter.parameters(this.#user) : null);
  }

  /** @param {Change} change */
  #narrate({ event, removed, receivedAt }) {
    const news = /** @type {import('./order-events.js').OrderEvent} */ (event);
    const sentence = narrate(news, removed[0]);
    this.#view.happened(sentence, receivedAt - Date.parse(news.at));
    // What one did oneself has been said by a notice.
    if (news.actor?.id !== this.#user.id) this.#outside.notices.say(sentence);
  }

  /** @param {User} user */
  #userChanged(user) {
    if (user.role !== this.#user.role) this.#outside.notices.info('Your rights have changed.');
    this.#user = user;
    this.#view.showUser(user);
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
