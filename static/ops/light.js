import { el, setText } from '../views/dom.js';

/** @typedef {import('../realtime.js').State} State */

/** A blink of the connection is not worth a banner. */
const PATIENCE = 2000;

/** @type {Record<State, string>} */
const NAMES = { live: 'Live', reconnecting: 'Connecting', offline: 'Offline' };

/** @type {Record<State, string>} */
const EXPLANATIONS = {
  live: '',
  reconnecting: 'Reconnecting. Until then the figures stand still.',
  offline: 'You are offline. The figures go on as soon as you are back.',
};

/** How this page is connected, and a banner while its figures stand still. */
export class Light {
  #light;
  #name = el('span', {});
  #text = el('span', {});
  #retry;
  /** @type {any} */
  #timer = null;

  /** @param {() => void} onRetry */
  constructor(onRetry) {
    const lamp = el('i', { class: 'lamp', 'aria-hidden': 'true' });
    const props = { class: 'light', testid: 'connection-light', role: 'status' };
    this.#light = el('span', props, lamp, this.#name);
    this.node = el('div', { class: 'connection' }, this.#light);
    const on = { click: onRetry };
    this.#retry = el('button', { class: 'link', type: 'button', hidden: true, on }, 'Connect');
    const banner = { class: 'banner', testid: 'connection-banner', hidden: true };
    this.banner = el('div', banner, this.#text, this.#retry);
    this.show('reconnecting');
  }

  /** @param {State} state */
  show(state) {
    this.#light.dataset.state = state;
    setText(this.#name, NAMES[state]);
    this.#explain(EXPLANATIONS[state], false);
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
    if (!text) this.banner.hidden = true;
    else this.#timer = setTimeout(() => (this.banner.hidden = false), canRetry ? 0 : PATIENCE);
  }
}
