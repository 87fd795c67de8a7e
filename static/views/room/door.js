import { OrderDialog } from '../order-dialog.js';
import { NO_SUCH_ORDER } from './texts.js';

/** @typedef {import('../../room.js').Room} Room */

const NAME = 'order';
const ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/**
 * Opens one order at a time, under an address of its own: the page's address can be handed on,
 * and the browser's back button closes the order.
 */
export class Door {
  #enter;
  #onRefused;
  /** @type {OrderDialog | null} */
  #dialog = null;
  /** @type {string | null} the order from whose address going back leads to the board */
  #pushed = null;

  /**
   * @param {(id: string) => Room} enter
   * @param {(sentence: string) => void} onRefused told why an address opens nothing
   */
  constructor(enter, onRefused) {
    this.#enter = enter;
    this.#onRefused = onRefused;
    addEventListener('popstate', this.#follow);
  }

  /** @param {string} id */
  open(id) {
    if (idInAddress() !== id) {
      history.pushState(history.state, '', addressWith(id));
      this.#pushed = id;
    }
    this.#show(id);
  }

  /** Open what the address says. */
  #follow = () => {
    const id = idInAddress();
    // Before the address of another order may be that of an order.
    if (id !== this.#pushed) this.#pushed = null;
    if (!id && isNamed()) this.#refuse();
    this.#show(id);
  };

  /** What the address names can be no order. */
  #refuse() {
    history.replaceState(history.state, '', addressWith(null));
    this.#onRefused(NO_SUCH_ORDER);
  }

  /** The board is there. */
  start() {
    this.#follow();
  }

  /** As if the person had closed the order. */
  leave() {
    this.#dialog?.close();
  }

  /** The board goes away; whoever comes back to this address finds the order again. */
  close() {
    removeEventListener('popstate', this.#follow);
    this.#show(null);
  }

  /** @param {string | null} id */
  #show(id) {
    if (this.#dialog?.id === id) return;
    const before = this.#dialog;
    this.#dialog = null;
    before?.close();
    if (!id) return;
    const dialog = new OrderDialog(this.#enter(id), () => this.#closed(dialog));
    this.#dialog = dialog;
  }

  /** @param {OrderDialog} dialog */
  #closed(dialog) {
    giveFocusBack(dialog.id);
    // Closed by the address: it says so already.
    if (this.#dialog !== dialog) return;
    this.#dialog = null;
    if (this.#pushed) history.back();
    else history.replaceState(history.state, '', addressWith(null));
    this.#pushed = null;
  }
}

function isNamed() {
  return new URLSearchParams(location.hash.slice(1)).has(NAME);
}

/** @returns {string | null} */
function idInAddress() {
  const id = new URLSearchParams(location.hash.slice(1)).get(NAME);
  return id !== null && ID.test(id) ? id : null;
}

/** The other parts of the fragment stay. @param {string | null} id */
function addressWith(id) {
  const parameters = new URLSearchParams(location.hash.slice(1));
  if (id) parameters.set(NAME, id);
  else parameters.delete(NAME);
  return parameters.size > 0 ? `#${parameters}` : location.pathname + location.search;
}

/** The browser does that by itself, unless the card has moved or the address opened the order. */
function giveFocusBack(/** @type {string} */ id) {
  if (document.activeElement !== document.body) return;
  const card = document.querySelector(`[data-testid=card][data-order-id="${id}"] .card-open`);
  /** @type {HTMLElement | null} */ (card)?.focus();
}
