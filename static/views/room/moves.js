import { movesFor } from '../../status.js';
import { CancelQuestion } from '../cancel-question.js';
import { el } from '../dom.js';
import { DEAD_TIME } from '../shifts.js';

/**
 * @typedef {import('../../api.js').Order} Order
 * @typedef {import('../../api.js').Status} Status
 */

/**
 * The buttons that move an order on. They stay the same nodes, and so keep the focus, until it has
 * moved: then others lie under the pointer, and have the focus. So one move is made at a time, and
 * for a moment after a replacement, while the node is `data-shifting`, none.
 */
export class MovesView {
  #user;
  #onMove;
  #names = '';
  /** @type {Order | null} */
  #order = null;
  /** @type {import('../../status.js').Move[]} */
  #moves = [];
  #isMoving = false;
  /** @type {any} */
  #timer = null;
  #question;

  /**
   * @param {HTMLElement} node
   * @param {import('../../api.js').User} user
   * @param {(status: Status) => Promise<void>} onMove
   */
  constructor(node, user, onMove) {
    this.node = node;
    this.#user = user;
    this.#onMove = onMove;
    node.addEventListener('keydown', (event) => ignoreHeld(event));
    this.#question = new CancelQuestion(node, {
      onSure: () => this.#move('cancelled'),
      offer: () => this.#offer(),
      isMoving: () => this.#isMoving,
    });
  }

  /** @param {Order} order @param {boolean} isOver */
  update(order, isOver) {
    this.#order = order;
    this.#moves = isOver ? [] : movesFor(order, this.#user);
    const names = this.#moves.map((move) => move.status).join();
    this.node.hidden = this.#moves.length === 0;
    if (this.#names === names) return;
    const focused = /** @type {HTMLElement | null} */ (this.node.querySelector(':focus'));
    const status = this.#question.isAsked ? 'cancelled' : focused?.dataset.status;
    this.#names = names;
    this.#offer();
    if (focused) this.#focus(status);
  }

  #offer() {
    this.#shift();
    this.node.replaceChildren(...this.#moves.toReversed().map((move) => this.#button(move)));
    this.#question.end();
    this.#showMoving();
  }

  /** Those that are there first replace none. */
  #shift() {
    if (!this.node.hasChildNodes()) return;
    this.node.dataset.shifting = '';
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => delete this.node.dataset.shifting, DEAD_TIME);
  }

  /** On the button that it was on, if that is still there. @param {string} [status] */
  #focus(status) {
    const buttons = /** @type {HTMLElement[]} */ ([...this.node.children]);
    const same = buttons.find((button) => button.dataset.status === status);
    (same ?? buttons.at(-1))?.focus();
  }

  /** @param {import('../../status.js').Move} move */
  #button({ status, label, isMain }) {
    const look = { class: isMain ? 'button main' : 'button quiet', type: 'button' };
    const props = { ...look, testid: `dialog-action-${status}`, data: { status } };
    const button = el('button', props, isMain ? label : 'Cancel order');
    button.onclick = ({ detail }) => {
      if (detail > 1) return;
      if (status === 'cancelled') this.#ask();
      else this.#move(status);
    };
    return button;
  }

  get #isDeaf() {
    return this.#isMoving || 'shifting' in this.node.dataset;
  }

  #ask() {
    if (this.#isDeaf || !this.#order) return;
    this.#shift();
    this.#question.ask(this.#order.number, 'button');
  }

  /** @param {Status} status */
  async #move(status) {
    if (this.#isDeaf) return;
    this.#isMoving = true;
    this.#showMoving();
    await this.#onMove(status);
    this.#isMoving = false;
    this.#showMoving();
    this.#question.keep();
  }

  /** Busy, not disabled: a disabled button would lose the focus. */
  #showMoving() {
    for (const button of this.node.children) button.ariaBusy = String(this.#isMoving);
  }
}

/** One press is one click, however long it is. @param {KeyboardEvent} event */
function ignoreHeld(event) {
  if (event.repeat && (event.key === 'Enter' || event.key === ' ')) event.preventDefault();
}
