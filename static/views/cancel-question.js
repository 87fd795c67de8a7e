import { el } from './dom.js';

/**
 * Nothing reopens a cancelled order, so cancelling asks first. The question takes the place of the
 * buttons that move the order, so that what holds them keeps its size.
 */
export class CancelQuestion {
  #node;
  #handlers;

  /**
   * @param {HTMLElement} node of the buttons
   * @param {object} handlers
   * @param {(button: HTMLButtonElement) => void} handlers.onSure
   * @param {() => void} handlers.offer puts the buttons back, which ends the question
   * @param {() => boolean} handlers.isMoving whether the answer was given, and is on its way
   */
  constructor(node, handlers) {
    this.#node = node;
    this.#handlers = handlers;
    node.addEventListener('keydown', (event) => this.#key(event));
    node.addEventListener('focusout', (event) => this.#left(event));
  }

  get isAsked() {
    return this.#node.hasAttribute('role');
  }

  /**
   * What is less harmful lies where the first click was, and has the focus.
   * @param {number} number of the order @param {string} look of a button
   */
  ask(number, look) {
    const button = (/** @type {string} */ label, /** @type {import('./dom.js').Props} */ props) =>
      el('button', { type: 'button', 'aria-label': `${label}: order ${number}`, ...props }, label);
    // The second half of a double click is no answer.
    const click = (/** @type {MouseEvent} */ { detail }) => {
      if (detail < 2) this.#handlers.onSure(sure);
    };
    const danger = { class: `${look} danger`, testid: 'confirm-cancel', on: { click } };
    const sure = button('Yes, cancel', danger);
    const on = { click: () => this.keep() };
    const keep = button('Keep', { class: look, testid: 'keep', on });
    const { firstElementChild: first, lastElementChild: last } = this.#node;
    const isFirst = first !== last && first === this.#cancel;
    this.#node.replaceChildren(...(isFirst ? [keep, sure] : [sure, keep]));
    this.#node.setAttribute('role', 'group');
    this.#node.ariaLabel = `Cancel order ${number}?`;
    keep.focus({ preventScroll: true });
  }

  keep() {
    if (!this.isAsked) return;
    const hadFocus = this.#node.contains(document.activeElement);
    this.#handlers.offer();
    if (hadFocus) this.#cancel?.focus({ preventScroll: true });
  }

  /** The buttons are there again. */
  end() {
    this.#node.removeAttribute('role');
    this.#node.ariaLabel = null;
  }

  /** @returns {HTMLElement | null} */
  get #cancel() {
    return this.#node.querySelector('[data-status=cancelled]');
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    if (event.key !== 'Escape' || !this.isAsked) return;
    // Else Escape would close the whole dialog, or clear the filter of the board.
    event.preventDefault();
    this.keep();
  }

  /** Whoever goes elsewhere has not answered. @param {FocusEvent} event */
  #left({ relatedTarget }) {
    const isElsewhere = relatedTarget && !this.#node.contains(/** @type {Node} */ (relatedTarget));
    if (isElsewhere && this.isAsked && !this.#handlers.isMoving()) this.#handlers.offer();
  }
}
