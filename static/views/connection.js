import { duration } from '../time.js';
import { el, setText } from './dom.js';

/** @typedef {import('../realtime.js').State} State */

/** A blink of the connection is not worth a banner. */
const PATIENCE = 2000;

/** @type {Record<State, string>} */
const NAMES = { live: 'Live', reconnecting: 'Connecting', offline: 'Offline' };

/** @type {Record<State, string>} */
const EXPLANATIONS = {
  live: '',
  reconnecting: 'Reconnecting. Until then, what you see may be out of date.',
  offline: 'You are offline. The board catches up as soon as you are back.',
};

/** The light, the delay of the last event, and a banner while what is shown may be old. */
export class ConnectionView {
  #name = el('span', { class: 'light-name' });
  #delay = el('span', { class: 'event-delay', testid: 'event-delay' }, '–');
  #text = el('span', {});
  #retry;
  /** @type {any} */
  #timer = null;
  #wasLive = false;

  /** @param {() => void} onRetry */
  constructor(onRetry) {
    const lamp = el('i', { class: 'lamp', 'aria-hidden': 'true' });
    const props = { class: 'light', testid: 'connection-light', role: 'status' };
    this.light = el('span', props, lamp, this.#name);
    this.#delay.title = 'How long the last event took from the database to this screen';
    const click = { click: onRetry };
    this.#retry = el(
      'button',
      { class: 'link', type: 'button', hidden: true, on: click },
      'Connect',
    );
    const banner = { class: 'banner', testid: 'connection-banner', hidden: true };
    this.banner = el('div', banner, this.#text, this.#retry);
    this.node = el('div', { class: 'connection' }, this.light, this.#delay);
    this.show('reconnecting');
  }

  /** @param {State} state */
  show(state) {
    this.light.dataset.state = state;
    this.#wasLive ||= state === 'live';
    setText(this.#name, state === 'reconnecting' && this.#wasLive ? 'Reconnecting' : NAMES[state]);
    this.#explain(EXPLANATIONS[state], false);
  }

  /** The server has sent us away for good. @param {string} reason a sentence */
  showEnd(reason) {
    this.#explain(reason, true);
  }

  /** @param {number} milliseconds */
  measured(milliseconds) {
    setText(this.#delay, duration(milliseconds));
    this.#delay.dataset.ms = milliseconds.toFixed(1);
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
