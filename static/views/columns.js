import { STATUSES } from '../status.js';
import { CardView } from './card.js';
import { ColumnView } from './column.js';
import { el } from './dom.js';

/**
 * @typedef {import('../api.js').Order} Order
 * @typedef {import('../api.js').Status} Status
 * @typedef {import('../store.js').Change<Order>} Change
 * @typedef {import('./card.js').CardContext} CardContext
 */

const HIGHLIGHT = 2000;
const TICK = 30_000;

/**
 * The columns of the board. Changes are gathered and drawn once per frame, however many events
 * a frame brings.
 */
export class ColumnsView {
  #store;
  #context;
  /** @type {Map<string, CardView>} */
  #cards = new Map();
  /** @type {Map<Status, ColumnView>} */
  #columns = new Map();
  /** @type {Set<Status>} columns whose cards or their order changed */
  #dirty = new Set();
  /** @type {Map<string, 'arrived' | 'changed'>} cards to draw attention to */
  #fresh = new Map();
  /** @type {WeakMap<HTMLElement, any>} timers that end the attention */
  #fading = new WeakMap();
  #isScheduled = false;
  /** @type {any} */
  #ticker = 0;
  /** @type {() => void} called after each drawing */
  onDraw = () => {};

  /** @param {import('../store.js').Store<Order>} store @param {CardContext} context */
  constructor(store, context) {
    this.#store = store;
    this.#context = context;
    for (const status of STATUSES) {
      this.#columns.set(status, new ColumnView(status, (order) => this.#cardOf(order)));
    }
    const nodes = [...this.#columns.values()].map((column) => column.node);
    this.node = el('div', { class: 'columns' }, ...nodes);
    for (const column of this.#columns.values()) column.showSkeleton();
    this.#ticker = setInterval(() => this.#tick(), TICK);
  }

  close() {
    clearInterval(this.#ticker);
  }

  /** @param {Status} status */
  count(status) {
    return this.#columns.get(status)?.count ?? 0;
  }

  /** @param {Status} status */
  column(status) {
    return /** @type {ColumnView} */ (this.#columns.get(status)).node;
  }

  /** @param {Change} change */
  change({ id, before, after, cause }) {
    if (before) this.#dirty.add(before.status);
    if (after) this.#dirty.add(after.status);
    if (after && cause) {
      const isThere = before?.status === after.status && this.#fresh.get(id) !== 'arrived';
      this.#fresh.set(id, isThere ? 'changed' : 'arrived');
    }
    this.#schedule();
  }

  /** The first page is here, even if it is empty: no skeletons any more. */
  settle() {
    for (const status of STATUSES) this.#dirty.add(status);
    this.#schedule();
  }

  #schedule() {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    requestAnimationFrame(() => {
      this.#isScheduled = false;
      this.#draw();
    });
  }

  #draw() {
    const focused = this.#rememberFocus();
    for (const [status, orders] of this.#dirtyOrders()) this.#columns.get(status)?.show(orders);
    this.#dirty.clear();
    for (const id of this.#cards.keys()) if (!this.#store.get(id)) this.#cards.delete(id);
    this.#highlight();
    focused?.();
    this.onDraw();
  }

  /** The orders of each column that changed; what was touched last comes first. */
  #dirtyOrders() {
    /** @type {Map<Status, Order[]>} */
    const orders = new Map([...this.#dirty].map((status) => [status, []]));
    for (const order of this.#store.values()) orders.get(order.status)?.push(order);
    for (const column of orders.values()) column.sort(byLastChange);
    return orders;
  }

  /** @param {Order} order */
  #cardOf(order) {
    let card = this.#cards.get(order.id);
    if (!card) this.#cards.set(order.id, (card = new CardView(order, this.#context)));
    else if (card.order !== order) card.update(order);
    return card;
  }

  #highlight() {
    const nodes = [...this.#fresh].map(([id, how]) => ({ node: this.#cards.get(id)?.node, how }));
    this.#fresh.clear();
    for (const { node } of nodes) if (node) delete node.dataset.fresh;
    // One look at the layout, so that an animation that is running already starts anew.
    if (nodes.length > 0) void this.node.offsetWidth;
    for (const { node, how } of nodes) if (node) this.#drawAttention(node, how);
  }

  /** @param {HTMLElement} node @param {string} how */
  #drawAttention(node, how) {
    node.dataset.fresh = how;
    clearTimeout(this.#fading.get(node));
    this.#fading.set(
      node,
      setTimeout(() => delete node.dataset.fresh, HIGHLIGHT),
    );
  }

  /**
   * A card that moves to another column loses the focus on the way; give it back to its first
   * button, so that someone at the keyboard can go on with the same order.
   * @returns {(() => void) | null}
   */
  #rememberFocus() {
    const active = document.activeElement;
    const card = active?.closest?.('.card');
    if (!card || !this.node.contains(card)) return null;
    return () => {
      if (document.activeElement === active || !card.isConnected) return;
      const target = card.querySelector('.card-actions button') ?? card.querySelector('.card-open');
      /** @type {HTMLElement | null} */ (target)?.focus({ preventScroll: true });
    };
  }

  #tick() {
    for (const card of this.#cards.values()) card.tick();
  }
}

/** @param {Order} a @param {Order} b */
function byLastChange(a, b) {
  if (a.updated_at === b.updated_at) return b.number - a.number;
  return a.updated_at < b.updated_at ? 1 : -1;
}
