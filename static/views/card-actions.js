import { movesFor } from '../status.js';
import { CancelQuestion } from './cancel-question.js';
import { el } from './dom.js';

/**
 * @typedef {import('../api.js').Order} Order
 * @typedef {import('../api.js').Status} Status
 * @typedef {import('./card.js').CardContext} CardContext
 */

/** An answer that takes longer than this is waited for visibly. */
const PATIENCE = 1000;

/** The buttons that move an order. */
export class CardActions {
  #context;
  #onWait;
  /** @type {Order} */
  #order;
  #isMoving = false;
  node = el('div', { class: 'card-actions' });
  #question = new CancelQuestion(this.node, {
    onSure: (button) => this.#move(button, 'cancelled'),
    offer: () => this.#offer(),
    isMoving: () => this.#isMoving,
  });

  /**
   * @param {Order} order
   * @param {CardContext} context
   * @param {(isWaiting: boolean) => void} onWait
   */
  constructor(order, context, onWait) {
    this.#order = order;
    this.#context = context;
    this.#onWait = onWait;
    this.#offer();
  }

  get isMoving() {
    return this.#isMoving;
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
    this.#question.end();
  }

  /** @param {import('../status.js').Move} move */
  #button({ status, label, isMain }) {
    const look = isMain ? 'button small step' : 'button small quiet';
    const { number } = this.#order;
    const name = `${label}: order ${number}`;
    const props = { class: look, testid: `action-${status}`, data: { status } };
    const button = el('button', { type: 'button', 'aria-label': name, ...props }, label);
    button.onclick = () => {
      if (status === 'cancelled') this.#question.ask(number, 'button small');
      else this.#move(button, status);
    };
    return button;
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
    if (status === 'cancelled') this.#question.keep();
  }
}
