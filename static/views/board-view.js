import { ColumnsView } from './columns.js';
import { ConnectionView } from './connection.js';
import { el } from './dom.js';
import { OrderForm } from './order-form.js';
import { Door } from './room/door.js';
import { StatusBar } from './status-bar.js';
import { StatusTabs } from './status-tabs.js';
import { TopBar } from './top-bar.js';

/**
 * @typedef {import('../api.js').Order} Order
 * @typedef {import('../api.js').User} User
 * @typedef {import('../store.js').Change<Order>} Change
 *
 * @typedef {object} BoardHandlers
 * @property {(id: string, status: import('../api.js').Status) => Promise<void>} onMove
 * @property {(order: import('../api.js').NewOrder) => Promise<void>} onPlace
 * @property {(id: string) => import('../room.js').Room} enter open an order
 * @property {() => void} onMore
 * @property {() => void} onRetry connect again
 * @property {() => void} onReload read the orders again
 * @property {() => void} onSignOut
 */

/** The whole page of someone who is signed in. */
export class BoardView {
  #store;
  #handlers;
  #columns;
  #tabs;
  #status;
  #failure = el('div', { class: 'failure', role: 'alert', hidden: true });
  #welcome;
  #door;
  /** @type {OrderForm | null} */
  #form = null;
  #context;
  #extent = { isComplete: false, isLoading: true };
  connection;
  topBar;

  /**
   * @param {User} user
   * @param {import('../store.js').Store<Order>} store
   * @param {BoardHandlers} handlers
   */
  constructor(user, store, handlers) {
    this.#store = store;
    this.#handlers = handlers;
    this.#door = new Door(handlers.enter);
    this.#context = {
      user,
      onMove: handlers.onMove,
      onOpen: (/** @type {string} */ id) => this.#door.open(id),
    };
    this.connection = new ConnectionView(handlers.onRetry);
    this.topBar = new TopBar(this.connection.node, {
      onNewOrder: () => this.#compose(),
      onSignOut: handlers.onSignOut,
    });
    this.topBar.show(user);
    this.#columns = new ColumnsView(store, this.#context);
    this.#tabs = new StatusTabs(this.#columns);
    this.#status = new StatusBar(handlers.onMore);
    this.#columns.onDraw = () => this.#drawn();
    this.#welcome = welcome(() => this.#compose());
    const board = { class: 'board', testid: 'board', 'aria-busy': 'true' };
    this.board = el('main', board, this.#failure, this.#welcome, this.#columns.node);
    const parts = [this.topBar.node, this.connection.banner, this.#tabs.node, this.board];
    this.node = el(
      'div',
      { class: 'page', data: { role: user.role } },
      ...parts,
      this.#status.node,
    );
  }

  close() {
    this.#columns.close();
    this.#door.close();
    this.#form?.close();
    this.node.remove();
  }

  /** @param {Change} change */
  change(change) {
    this.#columns.change(change);
  }

  /** The first page is here. */
  settle() {
    this.#failure.hidden = true;
    this.board.ariaBusy = 'false';
    this.#columns.settle();
    this.#door.start();
  }

  /** @param {string} sentence why there are no orders to be seen */
  showFailure(sentence) {
    const on = { click: this.#handlers.onReload };
    const retry = el('button', { class: 'button main', type: 'button', on }, 'Try again');
    this.#failure.replaceChildren(el('p', {}, sentence), retry);
    this.#failure.hidden = false;
  }

  /** @param {string} text @param {number} delay milliseconds */
  happened(text, delay) {
    this.#status.happened(text, delay);
    this.connection.measured(delay);
  }

  /** @param {{isComplete: boolean, isLoading: boolean}} list */
  showExtent(list) {
    this.#status.showExtent(this.#store.size, list);
    this.#extent = list;
  }

  #drawn() {
    this.#tabs.update();
    this.#status.showExtent(this.#store.size, this.#extent);
    const isSettled = this.board.ariaBusy === 'false';
    this.#welcome.hidden = !isSettled || this.#store.size > 0;
  }

  #compose() {
    this.#form = new OrderForm(this.#handlers.onPlace, () => {
      this.#form = null;
    });
  }
}

/** @param {() => void} onNewOrder */
function welcome(onNewOrder) {
  const on = { click: onNewOrder };
  return el(
    'div',
    { class: 'welcome', hidden: true, testid: 'welcome' },
    el('h2', {}, 'No orders yet'),
    el('p', {}, 'The first one appears here the moment it is placed.'),
    el('button', { class: 'button main', type: 'button', on }, 'Place an order'),
  );
}
