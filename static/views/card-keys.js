/**
 * Arrow keys on the board: up and down from card to card, left and right from column to column.
 * Tab still reaches every control, and a screen reader needs none of this.
 */

/** @type {Record<string, number>} */
const ROWS = { ArrowUp: -1, ArrowDown: 1 };
/** @type {Record<string, number>} */
const COLUMNS = { ArrowLeft: -1, ArrowRight: 1 };

/** @param {HTMLElement} board whose columns and cards are to be walked */
export function walkWithArrows(board) {
  board.addEventListener('keydown', (event) => {
    if (event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
    const target = destination(board, /** @type {HTMLElement} */ (event.target), event.key);
    if (!target) return;
    event.preventDefault();
    target.focus();
  });
}

/**
 * @param {HTMLElement} board
 * @param {HTMLElement} from
 * @param {string} key
 * @returns {HTMLElement | null}
 */
function destination(board, from, key) {
  const card = from.closest('.card');
  if (card && key in ROWS) return nextCard(card, ROWS[key]);
  if (key in COLUMNS) return nextColumn(board, from, COLUMNS[key]);
  return null;
}

/** @param {Element} card @param {number} step */
function nextCard(card, step) {
  const next = step > 0 ? card.nextElementSibling : card.previousElementSibling;
  return next && titleOf(next);
}

/**
 * From a card to the card beside it, if there is one; else to the column as a whole.
 * @param {HTMLElement} board
 * @param {HTMLElement} from
 * @param {number} step
 */
function nextColumn(board, from, step) {
  const columns = /** @type {HTMLElement[]} */ ([...board.children]);
  const shown = columns.filter((column) => column.checkVisibility());
  const next = shown[shown.findIndex((column) => column.contains(from)) + step];
  if (!next) return null;
  const card = from.closest('.card');
  const beside = card && nearest([...next.querySelectorAll('.card')], topOf(card));
  return beside ? titleOf(beside) : scrollOf(next);
}

/** @param {Element[]} cards @param {number} top */
function nearest(cards, top) {
  const [first, ...others] = cards;
  const far = (/** @type {Element} */ card) => Math.abs(topOf(card) - top);
  return others.reduce((best, card) => (far(card) < far(best) ? card : best), first);
}

/** @param {Element} card */
function topOf(card) {
  return card.getBoundingClientRect().top;
}

/** @param {Element} card @returns {HTMLElement | null} */
function titleOf(card) {
  return card.querySelector('.card-open');
}

/** @param {Element} column @returns {HTMLElement | null} */
export function scrollOf(column) {
  return column.querySelector('.column-scroll');
}
