import { duration } from '../time.js';
import { el, setText } from './dom.js';
import { Light } from './light.js';

const EXPLANATIONS = {
  reconnecting: 'Reconnecting. Until then, what you see may be out of date.',
  offline: 'You are offline. The board catches up as soon as you are back.',
};

/** The light of the board, with the delay of the last event. */
export class ConnectionView extends Light {
  #delay = el('span', { class: 'event-delay', testid: 'event-delay' }, '–');

  /** @param {() => void} onRetry */
  constructor(onRetry) {
    super(EXPLANATIONS, onRetry);
    this.#delay.title = 'How long the last event took from the database to this screen';
    this.node.append(this.#delay);
  }

  /** @param {number} milliseconds */
  measured(milliseconds) {
    setText(this.#delay, duration(milliseconds));
    this.#delay.dataset.ms = milliseconds.toFixed(1);
  }
}
