import { el, setText } from './dom.js';

/** @typedef {import('../realtime.js').State} State */

/** A blink of the connection is not worth a banner. */
const PATIENCE = 2000;

/** @type {Record<State, string>} */
const NAMES = { live: 'Live', reconnecting: 'Connecting', offline: 'Offline' };

/** How this page is connected, and a banner while what it shows may be old. */
export class Light {
  #lamp;
  #name = el('span', { class: 'light-name' });
  #text = el('span', {});
  #bar;
  #retry;
  #explanations;
  /** @type {any} */
  #timer = null;
  #wasLive = false;

  /**
   * @param {Omit<Record<State, string>, 'live'>} explanations for the banner, a sentence each
   * @param {() => void} onRetry
   */
  constructor(explanations, onRetry) {
    this.#explanations = { ...explanations, live: '' };
    const lamp = el('i', { class: 'lamp', 'aria-hidden': 'true' });
    const props = { class: 'light', testid: 'connection-light', role: 'status' };
    this.#lamp = el('span', props, lamp, this.#name);
    this.node = el('div', { class: 'connection' }, this.#lamp);
    const on = { click: onRetry };
    this.#retry = el('button', { class: 'link', type: 'button', hidden: true, on }, 'Connect');
    const banner = { class: 'banner', testid: 'connection-banner', hidden: true };
    this.#bar = el('div', banner, this.#text, this.#retry);
    // There before its text, so that a screen reader says that the text has come.
    this.banner = el('div', { class: 'banner-place', role: 'status' }, this.#bar);
    this.show('reconnecting');
  }

  /** @param {State} state */
  show(state) {
    this.#lamp.dataset.state = state;
    this.#wasLive ||= state === 'live';
    setText(this.#name, state === 'reconnecting' && this.#wasLive ? 'Reconnecting' : NAMES[state]);
    this.#explain(this.#explanations[state], false);
  }

  /** The server has sent us away for good. @param {string} reason a sentence */
  showEnd(reason) {
    this.#explain(reason, true);
  }

  /** @param {string} text @param {boolean} canRetry */
  #explain(text, canRetry) {
    clearTimeout(this.#timer);
    setText(this.#text, text);
    this.#retry.hidden = !canRetry;
    if (!text) this.#bar.hidden = true;
    else this.#timer = setTimeout(() => (this.#bar.hidden = false), canRetry ? 0 : PATIENCE);
  }
}
