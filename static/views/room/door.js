import { OrderDialog } from '../order-dialog.js';

/** @typedef {import('../../room.js').Room} Room */

const HASH = /^#order=([0-9a-f-]{36})$/;

/**
 * Opens one order at a time, under an address of its own: the page's address can be handed on,
 * and the browser's back button closes the order.
 */
export class Door {
  #enter;
  /** @type {OrderDialog | null} */
  #dialog = null;
  /** Whether going back leads to the board. */
  #isPushed = false;

  /** @param {(id: string) => Room} enter */
  constructor(enter) {
    this.#enter = enter;
    addEventListener('popstate', this.#follow);
  }

  /** @param {string} id */
  open(id) {
    if (idInAddress() !== id) {
      history.pushState(null, '', `#order=${id}`);
      this.#isPushed = true;
    }
    this.#show(id);
  }

  /** Open what the address says. */
  #follow = () => {
    const id = idInAddress();
    if (!id) this.#isPushed = false;
    this.#show(id);
  };

  /** The board is there. */
  start() {
    this.#follow();
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
    if (this.#isPushed) history.back();
    else history.replaceState(null, '', location.pathname + location.search);
    this.#isPushed = false;
  }
}

/** @returns {string | null} */
function idInAddress() {
  return HASH.exec(location.hash)?.[1] ?? null;
}

/** The browser does that by itself, unless the card has moved or the address opened the order. */
function giveFocusBack(/** @type {string} */ id) {
  if (document.activeElement !== document.body) return;
  const card = document.querySelector(`[data-testid=card][data-order-id="${id}"] .card-open`);
  /** @type {HTMLElement | null} */ (card)?.focus();
}
