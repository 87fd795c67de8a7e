import { el, icon, setText } from '../dom.js';

const SHOWN = 8000;

/** One sentence at the top of the room, and a voice for those who cannot see it. */
export class RoomNotice {
  #text = el('p', {});
  #voice = el('div', { class: 'sr-only', 'aria-live': 'polite', testid: 'room-voice' });
  #bar;
  /** @type {any} */
  #timer = null;

  constructor() {
    const look = { class: 'notice-close', type: 'button', 'aria-label': 'Dismiss' };
    const close = el('button', { ...look, on: { click: () => this.hide() } }, icon('close'));
    const props = { class: 'notice', testid: 'room-notice', hidden: true };
    this.#bar = el('div', props, this.#text, close);
    this.node = el('div', {}, this.#bar, this.#voice);
  }

  /** Passes by itself. @param {string} text */
  info(text) {
    this.#show(text, 'info');
    this.say(text);
    this.#timer = setTimeout(() => this.hide(), SHOWN);
  }

  /** @param {string} text */
  error(text) {
    this.#show(text, 'error');
  }

  /** In place of nothing else that is shown. @param {string} text '' when it is over */
  failure(text) {
    const isTaken = !this.#bar.hidden && this.#bar.dataset.kind !== 'failure';
    if (isTaken) return;
    if (text) this.#show(text, 'failure');
    else this.hide();
  }

  /** Nothing that comes later replaces it. @param {string} text */
  end(text) {
    this.#show(text, 'end');
    this.info = this.error = this.hide = () => {};
  }

  hide() {
    clearTimeout(this.#timer);
    this.#bar.hidden = true;
  }

  /** @param {string} text */
  say(text) {
    setText(this.#voice, text);
  }

  /** @param {string} text @param {'info' | 'error' | 'failure' | 'end'} kind */
  #show(text, kind) {
    clearTimeout(this.#timer);
    this.#bar.dataset.kind = kind;
    this.#bar.role = kind === 'info' ? null : 'alert';
    this.#bar.hidden = false;
    setText(this.#text, text);
  }
}
