import { STATUSES } from '../status.js';
import { CardView } from './card.js';
import { scrollOf, walkWithArrows } from './card-keys.js';
import { ColumnView } from './column.js';
import { el } from './dom.js';
import { Shifts } from './shifts.js';

/**
 * @typedef {import('../api.js').Order} Order
 * @typedef {import('../api.js').Status} Status
 * @typedef {import('../realtime/collection.js').Change} Change
 * @typedef {import('./card.js').CardContext} CardContext
 */

const HIGHLIGHT = 2000;
const TICK = 30_000;

/**
 * The columns of the board. Changes are gathered and drawn once per frame, however many events
 * a frame brings.
 */
export class ColumnsView {
  #orders;
  #context;
  /** @type {(order: Order) => boolean} */
  #isWanted = () => true;
  /** @type {Map<string, Status>} the column of each order, whether it is wanted or not */
  #places = new Map();
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
  /** Whether other orders are wanted than before, or were read: that nobody takes for a move. */
  #isAnew = true;
  #shifts;
  /** @type {any} */
  #ticker = 0;
  /** @type {() => void} called after each drawing */
  onDraw = () => {};
  /** @type {() => void} the keyboard has skipped the last column */
  onEnd = () => {};

  /** @param {import('../realtime.js').Collection} orders @param {CardContext} context */
  constructor(orders, context) {
    this.#orders = orders;
    this.#context = context;
    for (const status of STATUSES) this.#columns.set(status, this.#columnOf(status));
    const nodes = [...this.#columns.values()].map((column) => column.node);
    this.node = el('div', { class: 'columns' }, ...nodes);
    this.#shifts = new Shifts(this.node);
    walkWithArrows(this.node);
    this.#followExtent();
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

  /** How many orders are to be seen. */
  get total() {
    return STATUSES.reduce((sum, status) => sum + this.count(status), 0);
  }

  /** @param {Change} change */
  change({ upserted, removed, source }) {
    const isNews = source === 'event' || source === 'call';
    for (const { id } of removed) this.#place(id, null);
    for (const { id, status } of upserted) {
      const isThere = this.#place(id, status) && this.#fresh.get(id) !== 'arrived';
      if (isNews) this.#fresh.set(id, isThere ? 'changed' : 'arrived');
    }
    if (upserted.length + removed.length === 0) return;
    this.#isAnew ||= !isNews;
    this.schedule();
  }

  /** Show those orders only. @param {(order: Order) => boolean} isWanted */
  filter(isWanted) {
    this.#isWanted = isWanted;
    this.refresh();
  }

  /** The first page is here, even if it is empty; or everything is to be looked at again. */
  refresh() {
    this.#isAnew = true;
    for (const status of STATUSES) this.#dirty.add(status);
    this.schedule();
  }

  /** The cards show what one may do: make them anew for other rights. */
  renew() {
    this.#cards.clear();
    this.refresh();
  }

  /**
   * @param {string} id
   * @param {Status | null} status
   * @returns {boolean} whether it was there before
   */
  #place(id, status) {
    const before = this.#places.get(id);
    if (before) this.#dirty.add(before);
    if (status) this.#places.set(id, status);
    else this.#places.delete(id);
    if (status) this.#dirty.add(status);
    return before === status;
  }

  /** Draw with the next frame. */
  schedule() {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    requestAnimationFrame(() => {
      this.#isScheduled = false;
      this.#draw();
    });
  }

  /** @param {Status} status */
  #columnOf(status) {
    return new ColumnView(status, (order) => this.#cardOf(order), {
      onRelease: () => this.#redraw(status),
      onSkip: () => this.#skip(status),
    });
  }

  /** @param {Status} status */
  #skip(status) {
    const next = STATUSES.slice(STATUSES.indexOf(status) + 1).map((other) => this.column(other));
    const shown = next.find((column) => column.checkVisibility());
    if (shown) scrollOf(shown)?.focus();
    else this.onEnd();
  }

  /** Whether there is more to the right than is seen. */
  #followExtent() {
    const look = () => {
      const { scrollLeft, clientWidth, scrollWidth } = this.node;
      this.node.toggleAttribute('data-more', scrollLeft + clientWidth < scrollWidth - 24);
    };
    this.node.addEventListener('scroll', look, { passive: true });
    new ResizeObserver(look).observe(this.node);
  }

  /** @param {Status} status */
  #redraw(status) {
    this.#dirty.add(status);
    this.schedule();
  }

  #draw() {
    const focused = this.#rememberFocus();
    const changed = [...this.#dirty].map((status) => this.column(status));
    if (!this.#isAnew) this.#shifts.remember(changed);
    for (const [status, orders] of this.#dirtyOrders()) {
      this.#columns.get(status)?.show(orders, this.#isAnew);
    }
    this.#dirty.clear();
    this.#forgetUnseen();
    if (!this.#isAnew) this.#shifts.mark(changed);
    this.#isAnew = false;
    this.#highlight();
    focused?.();
    this.onDraw();
  }

  /** A card that has sunk below what is shown is made anew when it rises; one on the move waits. */
  #forgetUnseen() {
    for (const [id, { node, isMoving }] of this.#cards) {
      if (!isMoving && !this.node.contains(node)) this.#cards.delete(id);
    }
  }

  /** The orders of each column that changed; what was touched last comes first. */
  #dirtyOrders() {
    /** @type {Map<Status, Order[]>} */
    const orders = new Map([...this.#dirty].map((status) => [status, []]));
    for (const order of this.#orders.values()) {
      if (this.#isWanted(order)) orders.get(order.status)?.push(order);
    }
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
    const shown = [...this.#fresh].filter(([id]) => !this.#isHeld(id));
    for (const [id] of shown) this.#fresh.delete(id);
    const nodes = shown.map(([id, how]) => ({ node: this.#cards.get(id)?.node, how }));
    for (const { node } of nodes) if (node) delete node.dataset.fresh;
    // One look at the layout, so that an animation that is running already starts anew.
    if (nodes.length > 0) void this.node.offsetWidth;
    for (const { node, how } of nodes) if (node) this.#drawAttention(node, how);
  }

  /** @param {string} id */
  #isHeld(id) {
    const status = this.#places.get(id);
    return status !== undefined && this.#columns.get(status)?.holds(id);
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
   * Whoever moves a card, the focus stays on the same control, else on the card's title or, when
   * the card is gone, on the column: never on a button that does something else.
   * @returns {(() => void) | null}
   */
  #rememberFocus() {
    const active = /** @type {HTMLElement | null} */ (document.activeElement);
    const card = active?.closest('.card');
    if (!active || !card || !this.node.contains(card)) return null;
    const scroll = card.closest('.column-scroll');
    return () => {
      if (document.activeElement === active) return;
      const same = card.querySelector(`[data-testid='${active.dataset.testid}']`);
      const target = card.isConnected ? (same ?? card.querySelector('.card-open')) : scroll;
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
