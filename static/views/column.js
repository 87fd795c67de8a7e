import { STATUS_NAMES } from '../status.js';
import { arrange, el, setText } from './dom.js';
import { Hold } from './hold.js';
import { counted, formatCount } from './text.js';

/**
 * @typedef {import('../api.js').Order} Order
 * @typedef {import('../api.js').Status} Status
 * @typedef {import('./card.js').CardView} CardView
 */

/** So many cards are in the document at first. */
const FIRST = 24;
/** So many more with each frame while the end is near: all columns together make a short task. */
const STEP = 6;
const SKELETONS = 3;

/** @type {Record<Status, string>} */
const EMPTY = {
  placed: 'No new orders',
  accepted: 'Nothing waiting to be prepared',
  preparing: 'Nothing in the works',
  ready: 'Nothing waiting for pick-up',
  completed: 'Nothing completed yet',
  cancelled: 'Nothing cancelled',
};

/**
 * All orders of one status. However many there are, only those near the viewport have nodes. While
 * a pointer is over them nothing pushes them away: what would come above them is announced, and
 * comes when the pointer has left.
 */
export class ColumnView {
  #count;
  #list = el('ol', { class: 'cards', role: 'list' });
  #empty = el('p', { class: 'column-empty', hidden: true });
  #end = el('div', { class: 'column-end', 'aria-hidden': 'true', hidden: true });
  #news = el('button', { class: 'column-news', type: 'button', hidden: true });
  /** @type {Order[]} */
  #orders = [];
  /** @type {Order[]} the same without those that are held back, in the order of their cards */
  #line = [];
  #shown = FIRST;
  #cardOf;
  #hold;
  #skip;

  /**
   * @param {Status} status
   * @param {(order: Order) => CardView} cardOf
   * @param {object} handlers
   * @param {() => void} handlers.onRelease what was held back may be drawn
   * @param {() => void} handlers.onSkip the keyboard is to go on behind this column
   */
  constructor(status, cardOf, { onRelease, onSkip }) {
    this.status = status;
    this.#cardOf = cardOf;
    this.#empty.textContent = EMPTY[status];
    this.#count = el('span', { class: 'count', testid: `count-${status}` }, '0');
    const id = `column-${status}`;
    const name = el('h2', { class: 'column-name', id }, STATUS_NAMES[status]);
    const head = el(
      'header',
      { class: 'column-head' },
      el('i', { class: 'dot' }),
      name,
      this.#news,
      this.#count,
    );
    // Focusable, so that it can be scrolled with the keyboard.
    const scroll = el('div', { class: 'column-scroll', tabIndex: 0, role: 'group' });
    scroll.setAttribute('aria-labelledby', id);
    scroll.append(this.#list, this.#empty, this.#end);
    const props = { class: 'column', testid: id, 'aria-labelledby': id, data: { status } };
    this.#skip = el('button', { class: 'skip', type: 'button', testid: `skip-${status}` });
    this.#skip.textContent = `Skip ${STATUS_NAMES[status]}`;
    this.#skip.addEventListener('click', onSkip);
    this.node = el('section', props, head, this.#skip, scroll);
    this.#news.dataset.testid = `news-${status}`;
    // Most pointers only cross a column: unless something came meanwhile, there is nothing to do.
    this.#hold = new Hold(this.node, () => this.#line !== this.#orders && onRelease());
    this.#news.addEventListener('click', () => this.#hold.release());
    this.#growNearEnd(scroll);
  }

  get count() {
    return this.#orders.length;
  }

  /** Until the first orders are here. */
  showSkeleton() {
    const bones = Array.from({ length: SKELETONS }, () => el('li', { class: 'card skeleton' }));
    this.#list.replaceChildren(...bones);
  }

  /** Whether the card of this order waits for the pointer to leave. @param {string} id */
  holds(id) {
    return this.#line.length < this.#orders.length && !this.#line.some((order) => order.id === id);
  }

  /**
   * @param {Order[]} orders in the order in which to show them
   * @param {boolean} isAnew another choice of orders, which nothing holds back
   */
  show(orders, isAnew) {
    this.#orders = orders;
    this.#line = this.#hold.isOn && !isAnew ? this.#steady(orders) : orders;
    setText(this.#count, String(orders.length));
    this.#empty.hidden = orders.length > 0;
    this.#skip.hidden = orders.length === 0;
    this.#announce(orders.length - this.#line.length);
    arrange(
      this.#list,
      this.#line.slice(0, this.#shown).map((order) => this.#cardOf(order).node),
    );
    this.#end.hidden = this.#line.length <= this.#shown;
  }

  /**
   * Those that have a card stay in its place; of the others come only those below all of them.
   * @param {Order[]} orders
   */
  #steady(orders) {
    const known = new Map(orders.map((order) => [order.id, order]));
    const kept = this.#line.slice(0, this.#shown).flatMap(({ id }) => known.get(id) ?? []);
    const last = Math.max(...kept.map((order) => orders.indexOf(order)));
    return kept.length > 0 ? [...kept, ...orders.slice(last + 1)] : orders;
  }

  /** @param {number} held */
  #announce(held) {
    this.#news.hidden = held === 0;
    setText(this.#news, `${formatCount(held)} new`);
    this.#news.ariaLabel = `Show ${counted(held, 'new order')}`;
  }

  /** Whatever is shown already stays as it is. */
  #grow() {
    const more = this.#line.slice(this.#shown, this.#shown + STEP);
    this.#list.append(...more.map((order) => this.#cardOf(order).node));
    this.#shown += STEP;
    this.#end.hidden = this.#line.length <= this.#shown;
  }

  /** @param {HTMLElement} scroll */
  #growNearEnd(scroll) {
    const observer = new IntersectionObserver(
      (entries) => {
        if (!entries.some((entry) => entry.isIntersecting)) return;
        if (this.#line.length <= this.#shown) return;
        this.#grow();
        // Observing anew reports again at once if the end is still in sight.
        observer.unobserve(this.#end);
        observer.observe(this.#end);
      },
      { root: scroll, rootMargin: '800px' },
    );
    observer.observe(this.#end);
  }
}
