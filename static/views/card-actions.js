import { movesFor } from '../status.js';
import { el } from './dom.js';

/**
 * @typedef {import('../api.js').Order} Order
 * @typedef {import('../api.js').Status} Status
 * @typedef {import('./card.js').CardContext} CardContext
 */

/** An answer that takes longer than this is waited for visibly. */
const PATIENCE = 1000;

/**
 * The buttons that move an order. Nothing reopens a cancelled order, so cancelling asks first; the
 * question takes the place of the buttons, so that the card keeps its size.
 */
export class CardActions {
  #context;
  #onWait;
  /** @type {Order} */
  #order;
  #isMoving = false;
  node = el('div', { class: 'card-actions' });

  /**
   * @param {Order} order
   * @param {CardContext} context
   * @param {(isWaiting: boolean) => void} onWait
   */
  constructor(order, context, onWait) {
    this.#order = order;
    this.#context = context;
    this.#onWait = onWait;
    this.node.addEventListener('keydown', ({ key }) => key === 'Escape' && this.#keep());
    this.node.addEventListener('focusout', (event) => this.#left(event));
    this.#offer();
  }

  /** @param {Order} order */
  update(order) {
    const isMoved = order.status !== this.#order.status;
    this.#order = order;
    if (isMoved) this.#offer();
  }

  #offer() {
    const moves = movesFor(this.#order, this.#context.user);
    this.node.replaceChildren(...moves.map((move) => this.#button(move)));
    this.node.hidden = moves.length === 0;
    this.node.removeAttribute('role');
    this.node.ariaLabel = null;
  }

  /** @param {import('../status.js').Move} move */
  #button({ status, label, isMain }) {
    const look = isMain ? 'button small step' : 'button small quiet';
    const props = { class: look, testid: `action-${status}`, data: { status } };
    const onClick = () => (status === 'cancelled' ? this.#ask() : this.#move(button, status));
    const button = this.#named(label, props, onClick);
    return button;
  }

  /** What is less harmful lies where the first click was, and has the focus. */
  #ask() {
    const props = { class: 'button small danger', testid: 'confirm-cancel' };
    // The second half of a double click is no answer.
    const onSure = (/** @type {MouseEvent} */ { detail }) => {
      if (detail < 2) this.#move(sure, 'cancelled');
    };
    const sure = this.#named('Yes, cancel', props, onSure);
    const keep = this.#named('Keep', { class: 'button small', testid: 'keep' }, () => this.#keep());
    this.node.replaceChildren(sure, keep);
    this.node.setAttribute('role', 'group');
    this.node.ariaLabel = `Cancel order ${this.#order.number}?`;
    keep.focus({ preventScroll: true });
  }

  #keep() {
    if (!this.#isAsking) return;
    const hadFocus = this.node.contains(document.activeElement);
    this.#offer();
    const cancel = this.node.querySelector('[data-status=cancelled]');
    if (hadFocus) /** @type {HTMLElement | null} */ (cancel)?.focus({ preventScroll: true });
  }

  /** Whoever goes elsewhere has not answered. @param {FocusEvent} event */
  #left({ relatedTarget }) {
    const isElsewhere = relatedTarget && !this.node.contains(/** @type {Node} */ (relatedTarget));
    if (isElsewhere && this.#isAsking && !this.#isMoving) this.#offer();
  }

  get #isAsking() {
    return this.node.hasAttribute('role');
  }

  /**
   * @param {string} label
   * @param {import('./dom.js').Props} props
   * @param {(event: MouseEvent) => void} click
   */
  #named(label, props, click) {
    const name = `${label}: order ${this.#order.number}`;
    return el('button', { type: 'button', 'aria-label': name, ...props, on: { click } }, label);
  }

  /**
   * Busy, not disabled: a disabled button would lose the focus.
   * @param {HTMLButtonElement} button @param {Status} status
   */
  async #move(button, status) {
    if (this.#isMoving) return;
    this.#isMoving = true;
    button.ariaBusy = 'true';
    const timer = setTimeout(() => this.#onWait(true), PATIENCE);
    await this.#context.onMove(this.#order.id, status);
    clearTimeout(timer);
    this.#onWait(false);
    button.ariaBusy = 'false';
    this.#isMoving = false;
    if (status === 'cancelled') this.#keep();
  }
}
