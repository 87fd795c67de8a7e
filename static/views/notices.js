import { el, icon } from './dom.js';

const SHOWN = { info: 5000, error: 10_000 };
const MOST_AT_ONCE = 4;
const QUIET = 4000;

/** Short sentences at the edge of the page, and a voice for those who cannot see it. */
export class Notices {
  #toasts = el('div', { class: 'toasts', 'aria-live': 'polite' });
  #voice = el('div', { class: 'sr-only', 'aria-live': 'polite' });
  /** @type {any} */
  #voiceTimer = null;
  #waiting = '';

  constructor() {
    this.node = el('div', {}, this.#toasts, this.#voice);
  }

  /** @param {string} text */
  info(text) {
    this.#show(text, 'info');
  }

  /** @param {string} text */
  error(text) {
    this.#show(text, 'error');
  }

  /**
   * Tell a screen reader what others did; at most every few seconds, the last thing counts.
   * @param {string} text
   */
  say(text) {
    this.#waiting = text;
    if (this.#voiceTimer !== null) return;
    this.#speak();
    this.#voiceTimer = setTimeout(() => {
      this.#voiceTimer = null;
      if (this.#waiting) this.say(this.#waiting);
    }, QUIET);
  }

  #speak() {
    this.#voice.textContent = this.#waiting;
    this.#waiting = '';
  }

  /** @param {string} text @param {'info' | 'error'} kind */
  #show(text, kind) {
    const dismiss = el('button', { class: 'toast-close', type: 'button', 'aria-label': 'Dismiss' });
    const role = kind === 'error' ? 'alert' : null;
    const toast = el('div', { class: 'toast', testid: 'toast', role, data: { kind } });
    dismiss.append(icon('close'));
    toast.append(el('p', {}, text), dismiss);
    dismiss.addEventListener('click', () => toast.remove());
    this.#toasts.append(toast);
    while (this.#toasts.childElementCount > MOST_AT_ONCE) this.#toasts.firstElementChild?.remove();
    this.#moveToTop();
    this.#expire(toast, SHOWN[kind]);
  }

  /**
   * Nothing vanishes under the pointer or while it has the focus.
   * @param {HTMLElement} toast
   * @param {number} after
   */
  #expire(toast, after) {
    setTimeout(() => {
      if (toast.matches(':hover, :focus-within')) this.#expire(toast, 2000);
      else toast.remove();
    }, after);
  }

  /**
   * While a modal dialog is open, all that lies outside it can be neither clicked nor heard. The
   * one on top was opened last, and so is the last in the document.
   */
  #moveToTop = () => {
    const dialog = [...document.querySelectorAll('dialog:modal')].at(-1);
    const place = dialog ?? this.node;
    if (place.contains(this.#toasts)) return;
    place.append(this.#toasts);
    dialog?.addEventListener('close', this.#moveToTop, { once: true });
  };
}
