import { duration } from '../time.js';
import { el, setText } from './dom.js';
import { counted } from './text.js';

/** The line below the board: what happened last, and how much of the list is on the board. */
export class StatusBar {
  #last = el('p', { class: 'last-event', testid: 'last-event' }, 'Waiting for the first event');
  #extent = el('p', { class: 'extent', testid: 'extent' });
  #more;

  /** @param {() => void} onMore */
  constructor(onMore) {
    const props = { class: 'link', type: 'button', testid: 'load-more', hidden: true };
    this.#more = el('button', { ...props, on: { click: onMore } }, 'Load older');
    this.node = el('footer', { class: 'status-bar' }, this.#last, this.#extent, this.#more);
  }

  /** @param {string} text @param {number} delay milliseconds */
  happened(text, delay) {
    const after = el('span', { class: 'last-delay' }, ` · here after ${duration(delay)}`);
    this.#last.replaceChildren(el('span', { class: 'last-text' }, text), after);
  }

  /**
   * @param {number} count orders on the board
   * @param {{isComplete: boolean, isLoading: boolean}} list
   */
  showExtent(count, { isComplete, isLoading }) {
    const orders = counted(count, 'order');
    setText(this.#extent, isComplete ? orders : `Newest ${orders}`);
    this.#more.hidden = isComplete;
    this.#more.disabled = isLoading;
    setText(this.#more, isLoading ? 'Loading…' : 'Load older');
  }
}
