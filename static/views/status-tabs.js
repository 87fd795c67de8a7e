import { STATUS_NAMES, STATUSES } from '../status.js';
import { el, setText } from './dom.js';

/**
 * @typedef {import('../api.js').Status} Status
 * @typedef {import('./columns.js').ColumnsView} ColumnsView
 */

/** On a phone the columns lie side by side and are swiped; these tabs show where one is. */
export class StatusTabs {
  #columns;
  /** @type {Map<Status, {button: HTMLButtonElement, count: HTMLElement}>} */
  #tabs = new Map();

  /** @param {ColumnsView} columns */
  constructor(columns) {
    this.#columns = columns;
    this.node = el('nav', { class: 'tabs', 'aria-label': 'Status' });
    for (const status of STATUSES) this.#add(status);
    this.#followScrolling();
  }

  update() {
    for (const [status, { count }] of this.#tabs) {
      setText(count, String(this.#columns.count(status)));
    }
  }

  /** @param {Status} status */
  #add(status) {
    const count = el('span', { class: 'count' }, '0');
    const show = () => this.#columns.column(status).scrollIntoView({ inline: 'start' });
    const props = { class: 'tab', type: 'button', data: { status }, on: { click: show } };
    const button = el('button', props, el('i', { class: 'dot' }), STATUS_NAMES[status], count);
    this.#tabs.set(status, { button, count });
    this.node.append(button);
  }

  #followScrolling() {
    const observer = new IntersectionObserver(
      (entries) => {
        const seen = entries.find((entry) => entry.isIntersecting);
        if (seen) this.#mark(/** @type {HTMLElement} */ (seen.target).dataset.status);
      },
      { root: this.#columns.node, threshold: 0.6 },
    );
    for (const status of STATUSES) observer.observe(this.#columns.column(status));
  }

  /** @param {string | undefined} current */
  #mark(current) {
    for (const [status, { button }] of this.#tabs) {
      button.ariaCurrent = status === current ? 'true' : null;
      if (status === current) this.#bringIntoView(button);
    }
  }

  /**
   * Only the strip is to scroll: scrollIntoView would stop the columns on their way.
   * @param {HTMLElement} tab
   */
  #bringIntoView(tab) {
    const left = tab.offsetLeft - (this.node.clientWidth - tab.offsetWidth) / 2;
    this.node.scrollTo({ left, behavior: 'smooth' });
  }
}
