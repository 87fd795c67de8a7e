/** Shorter than this nobody sees where a card has gone, and decides anew what to click. */
export const DEAD_TIME = 600;
/** Pixels. */
const TOLERANCE = 3;

/**
 * Keeps a click from meeting another card than the one that was aimed at. A card that a drawing
 * has moved on the screen, or put there, is `data-shifting` for a moment: a press that begins
 * meanwhile does not reach its actions.
 */
export class Shifts {
  /** @type {Map<HTMLElement, number>} */
  #tops = new Map();
  /** @type {WeakMap<HTMLElement, number>} the last drawing that moved a card */
  #moved = new WeakMap();
  #drawing = 0;
  /** @type {Element | null} the card whose press does not count */
  #ignored = null;

  /** @param {HTMLElement} board */
  constructor(board) {
    board.addEventListener('pointerdown', (event) => this.#pressed(event), true);
    board.addEventListener('click', (event) => this.#clicked(event), true);
  }

  /** Before a drawing. @param {HTMLElement[]} columns those that it changes */
  remember(columns) {
    this.#tops = new Map(columns.flatMap(cardsInSight));
  }

  /** After it. @param {HTMLElement[]} columns */
  mark(columns) {
    const drawing = ++this.#drawing;
    const moved = columns.flatMap(cardsInSight).filter(([card, top]) => this.#isMoved(card, top));
    for (const [card] of moved) {
      card.dataset.shifting = '';
      this.#moved.set(card, drawing);
    }
    if (moved.length > 0) setTimeout(() => this.#settle(moved, drawing), DEAD_TIME);
  }

  /** @param {HTMLElement} card @param {number} top */
  #isMoved(card, top) {
    const before = this.#tops.get(card);
    return before === undefined || Math.abs(top - before) > TOLERANCE;
  }

  /** @param {[HTMLElement, number][]} moved @param {number} drawing */
  #settle(moved, drawing) {
    for (const [card] of moved) {
      if (this.#moved.get(card) === drawing) delete card.dataset.shifting;
    }
  }

  /** @param {Event} event */
  #pressed({ target }) {
    this.#ignored = /** @type {Element} */ (target).closest('.card[data-shifting]');
  }

  /** A click from the keyboard is aimed at the focus, wherever that is. @param {MouseEvent} event */
  #clicked(event) {
    const target = /** @type {Element} */ (event.target);
    if (event.detail === 0 || !target.closest('.card-actions')) return;
    if (!this.#ignored?.contains(target)) return;
    event.stopPropagation();
    event.preventDefault();
  }
}

/**
 * @param {HTMLElement} column
 * @returns {[HTMLElement, number][]} each with its upper edge on the screen
 */
function cardsInSight(column) {
  const cards = /** @type {NodeListOf<HTMLElement>} */ (column.querySelectorAll('.card'));
  return [...cards]
    .map((card) => /** @type {const} */ ([card, card.getBoundingClientRect()]))
    .filter(([, { top, bottom }]) => bottom > 0 && top < innerHeight)
    .map(([card, { top }]) => [card, top]);
}
