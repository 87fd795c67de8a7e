import { Drafts } from '../room/drafts.js';
import { ColumnsView } from './columns.js';
import { ConnectionView } from './connection.js';
import { el, setText } from './dom.js';
import { FilterBar } from './filter-bar.js';
import { OrderForm } from './order-form.js';
import { Door } from './room/door.js';
import { StatusBar } from './status-bar.js';
import { StatusTabs } from './status-tabs.js';
import { TopBar } from './top-bar.js';

/**
 * @typedef {import('../api.js').Order} Order
 * @typedef {import('../api.js').User} User
 * @typedef {import('../realtime/collection.js').Change} Change
 * @typedef {import('../filter.js').Filter} Filter
 *
 * @typedef {object} BoardHandlers
 * @property {(id: string, status: import('../api.js').Status) => Promise<void>} onMove
 * @property {(order: import('../api.js').NewOrder, key: string) => Promise<void>} onPlace
 * @property {(id: string) => import('../room.js').Room} enter open an order
 * @property {(sentence: string) => void} onRefused told why an address opens no order, or why an
 *   order was not placed when its form is closed
 * @property {() => void} onMore
 * @property {() => void} onRetry connect again
 * @property {() => void} onReload read the orders again
 * @property {() => void} onSignOut
 */

/** The whole page of someone who is signed in. */
export class BoardView {
  #orders;
  #filter;
  #handlers;
  #filterBar;
  #columns;
  #tabs;
  #status;
  #failure = el('div', { class: 'failure', role: 'alert', hidden: true });
  #welcome;
  #door;
  #noMatch;
  #noMatchText = el('h2', {});
  #isSearching = false;
  /** @type {OrderForm | null} */
  #form = null;
  #context;
  #extent = { isComplete: false, isLoading: true };
  connection;
  topBar;

  /**
   * @param {User} user
   * @param {import('../realtime.js').Collection} orders
   * @param {Filter} filter
   * @param {BoardHandlers} handlers
   */
  constructor(user, orders, filter, handlers) {
    this.#orders = orders;
    this.#filter = filter;
    this.#handlers = handlers;
    this.#door = new Door(handlers.enter, handlers.onRefused);
    this.#context = {
      user,
      onMove: handlers.onMove,
      onOpen: (/** @type {string} */ id) => this.#door.open(id),
    };
    this.connection = new ConnectionView(handlers.onRetry);
    this.#filterBar = new FilterBar(filter, user);
    this.topBar = new TopBar(this.connection.node, this.#filterBar.node, {
      onNewOrder: () => this.#compose(),
      onSignOut: handlers.onSignOut,
    });
    this.topBar.show(user);
    this.#columns = new ColumnsView(orders, this.#context);
    this.#tabs = new StatusTabs(this.#columns);
    this.#status = new StatusBar(handlers.onMore);
    this.#columns.onDraw = () => this.#drawn();
    this.#columns.onEnd = () => this.#status.node.focus();
    this.#showColumns();
    this.#welcome = welcome(() => this.#compose());
    this.#noMatch = noMatch(this.#noMatchText, () => this.#clearFilter());
    const board = { class: 'board', testid: 'board', 'aria-busy': 'true' };
    const overlays = [this.#failure, this.#welcome, this.#noMatch];
    this.board = el('main', board, ...overlays, this.#columns.node);
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
    this.#filterBar.close();
    this.#form?.close();
    this.node.remove();
  }

  /** @param {Change} change */
  change(change) {
    this.#columns.change(change);
    this.#filterBar.know(change.upserted);
  }

  /** The first page is here. */
  settle() {
    this.#failure.hidden = true;
    this.board.ariaBusy = 'false';
    this.#columns.refresh();
    markPainted();
    this.#door.start();
  }

  /** The filter has changed, or is to be applied for the first time. */
  filter() {
    this.#filterBar.show();
    this.#showColumns();
    this.#columns.filter(this.#filter.test(this.#context.user));
  }

  /** Of one status only, where the filter says so. */
  #showColumns() {
    const { status } = this.#filter.values;
    this.#columns.node.dataset.only = status;
    this.#columns.node.toggleAttribute('data-filtered', this.#filter.isActive);
    this.#tabs.node.hidden = status !== '';
  }

  /** @param {boolean} isSearching */
  showSearching(isSearching) {
    this.#isSearching = isSearching;
    // With the next drawing: what was found is to be counted, too.
    this.#columns.schedule();
  }

  /** Their name, or their rights, are others now. @param {User} user */
  showUser(user) {
    const isSame = user.role === this.#context.user.role;
    this.#context.user = user;
    this.topBar.show(user);
    this.node.dataset.role = user.role;
    if (isSame) return;
    this.#door.leave();
    this.#filterBar.know([], user);
    this.#columns.renew();
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
    this.#extent = list;
    const matches = this.#filter.isActive ? this.#columns.total : null;
    this.#status.showExtent(this.#orders.size, list, matches);
  }

  #drawn() {
    this.#tabs.update();
    this.showExtent(this.#extent);
    this.#showMatches();
  }

  #showMatches() {
    const isSettled = this.board.ariaBusy === 'false';
    const isFiltered = this.#filter.isActive;
    const { total } = this.#columns;
    this.#welcome.hidden = !isSettled || isFiltered || this.#orders.size > 0;
    this.#noMatch.hidden = !isSettled || !isFiltered || total > 0;
    setText(this.#noMatchText, this.#isSearching ? 'Searching…' : missing(this.#filter.values));
    if (isSettled) this.#filterBar.showCount(this.#isSearching ? null : total);
  }

  #clearFilter() {
    this.#filter.clear();
    this.#filterBar.focus();
  }

  #compose() {
    // A second form for an order that is on its way would place it twice.
    if (!this.#form?.isBusy) {
      const drafts = new Drafts(this.#context.user.id, 'new');
      this.#form = new OrderForm(drafts, this.#handlers);
    }
    this.#form.open();
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

/** @param {HTMLElement} text @param {() => void} onClear */
function noMatch(text, onClear) {
  const props = { class: 'button main', type: 'button', testid: 'no-match-clear' };
  const clear = el('button', { ...props, on: { click: onClear } }, 'Clear the filter');
  return el('div', { class: 'welcome', hidden: true, testid: 'no-match' }, text, clear);
}

/** @param {import('../filter.js').Values} values */
function missing({ q }) {
  return q ? `No order matches “${q}”` : 'No order matches';
}

/** For those who measure: the frame after the one in which the first orders are drawn. */
function markPainted() {
  requestAnimationFrame(() => requestAnimationFrame(() => performance.mark('orders-painted')));
}
