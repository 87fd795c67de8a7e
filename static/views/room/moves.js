import { movesFor } from '../../status.js';
import { el } from '../dom.js';

/**
 * @typedef {import('../../api.js').Order} Order
 * @typedef {import('../../api.js').Status} Status
 */

/** The buttons that move an order on. They stay the same nodes, and so keep the focus. */
export class MovesView {
  #user;
  #onMove;
  #names = '';

  /**
   * @param {HTMLElement} node
   * @param {import('../../api.js').User} user
   * @param {(status: Status) => Promise<void>} onMove
   */
  constructor(node, user, onMove) {
    this.node = node;
    this.#user = user;
    this.#onMove = onMove;
  }

  /** @param {Order} order @param {boolean} isOver */
  update(order, isOver) {
    const moves = isOver ? [] : movesFor(order, this.#user);
    const names = moves.map((move) => move.status).join();
    this.node.hidden = moves.length === 0;
    if (this.#names === names) return;
    const hadFocus = this.node.contains(document.activeElement);
    this.#names = names;
    this.node.replaceChildren(...moves.toReversed().map((move) => this.#button(move)));
    if (hadFocus) /** @type {HTMLElement | null} */ (this.node.lastElementChild)?.focus();
  }

  /** @param {import('../../status.js').Move} move */
  #button({ status, label, isMain }) {
    const look = { class: isMain ? 'button main' : 'button quiet', type: 'button' };
    const props = { ...look, testid: `dialog-action-${status}`, data: { status } };
    const button = el('button', props, isMain ? label : 'Cancel order');
    button.onclick = async () => {
      if (button.ariaBusy === 'true') return;
      button.ariaBusy = 'true';
      await this.#onMove(status);
      button.ariaBusy = 'false';
    };
    return button;
  }
}
