import { duration } from '../time.js';
import { el, setText } from './dom.js';
import { counted, formatCount } from './text.js';

/** The line below the board: what happened last, and how much of the list is on the board. */
export class StatusBar {
  #last = el('p', { class: 'last-event', testid: 'last-event' }, 'Waiting for the first event');
  #extent = el('p', { class: 'extent', testid: 'extent' });
  #more;

  /** @param {() => void} onMore */
  constructor(onMore) {
    const props = { class: 'link', type: 'button', testid: 'load-more', hidden: true };
    this.#more = el('button', { ...props, on: { click: onMore } }, 'Load older');
    this.node = el('footer', { class: 'status-bar', tabIndex: -1 }, this.#last, this.#extent, this.#more);
  }

  /** @param {string} text @param {number} delay milliseconds */
  happened(text, delay) {
    const after = el('span', { class: 'last-delay' }, ` · here after ${duration(delay)}`);
    this.#last.replaceChildren(el('span', { class: 'last-text' }, text), after);
  }

  /**
   * @param {number} count orders that are loaded
   * @param {{isComplete: boolean, isLoading: boolean}} list
   * @param {number | null} matches those that the filter shows; null without a filter
   */
  showExtent(count, { isComplete, isLoading }, matches) {
    const orders = counted(count, 'order');
    const of = matches === null ? '' : `${formatCount(matches)} of `;
    const newest = of ? `the newest ${orders}` : `Newest ${orders}`;
    setText(this.#extent, of + (isComplete ? orders : newest));
    this.#more.hidden = isComplete;
    this.#more.disabled = isLoading;
    setText(this.#more, isLoading ? 'Loading…' : 'Load older');
  }
}
