import { STATUS_NAMES } from '../status.js';
import { el, setText } from './dom.js';

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

/** All orders of one status. However many there are, only those near the viewport have nodes. */
export class ColumnView {
  #count;
  #list = el('ol', { class: 'cards', role: 'list' });
  #empty = el('p', { class: 'column-empty', hidden: true });
  #end = el('div', { class: 'column-end', 'aria-hidden': 'true', hidden: true });
  /** @type {Order[]} */
  #orders = [];
  #shown = FIRST;
  #cardOf;

  /** @param {Status} status @param {(order: Order) => CardView} cardOf */
  constructor(status, cardOf) {
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
      this.#count,
    );
    // Focusable, so that it can be scrolled with the keyboard.
    const scroll = el('div', { class: 'column-scroll', tabIndex: 0, role: 'group' });
    scroll.setAttribute('aria-labelledby', id);
    scroll.append(this.#list, this.#empty, this.#end);
    const props = { class: 'column', testid: id, 'aria-labelledby': id, data: { status } };
    this.node = el('section', props, head, scroll);
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

  /** @param {Order[]} orders in the order in which to show them */
  show(orders) {
    this.#orders = orders;
    setText(this.#count, String(orders.length));
    this.#empty.hidden = orders.length > 0;
    this.#render();
  }

  /**
   * Bring the list's nodes into line with the least moving: a moved node loses its focus and its
   * running animation.
   */
  #render() {
    const wanted = this.#orders.slice(0, this.#shown).map((order) => this.#cardOf(order).node);
    const keep = new Set(/** @type {Element[]} */ (wanted));
    for (const node of [...this.#list.children]) if (!keep.has(node)) node.remove();
    let next = this.#list.firstElementChild;
    for (const node of wanted) {
      if (node === next) next = next.nextElementSibling;
      else this.#list.insertBefore(node, next);
    }
    this.#end.hidden = this.#orders.length <= this.#shown;
  }

  /** Whatever is shown already stays as it is. */
  #grow() {
    const more = this.#orders.slice(this.#shown, this.#shown + STEP);
    this.#list.append(...more.map((order) => this.#cardOf(order).node));
    this.#shown += STEP;
    this.#end.hidden = this.#orders.length <= this.#shown;
  }

  /** @param {HTMLElement} scroll */
  #growNearEnd(scroll) {
    const observer = new IntersectionObserver(
      (entries) => {
        if (!entries.some((entry) => entry.isIntersecting)) return;
        if (this.#orders.length <= this.#shown) return;
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
