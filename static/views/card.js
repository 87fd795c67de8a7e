import { formatMoney } from '../money.js';
import { isStaff, movesFor, STATUS_NAMES } from '../status.js';
import { ago, exactly } from '../time.js';
import { el, icon, setText } from './dom.js';
import { counted } from './text.js';

/**
 * @typedef {import('../api.js').Order} Order
 * @typedef {import('../api.js').Status} Status
 * @typedef {import('../api.js').User} User
 *
 * @typedef {object} CardContext
 * @property {User} user
 * @property {(id: string) => void} onOpen
 * @property {(id: string, status: Status) => Promise<void>} onMove
 */

/** One order on the board. The node lives as long as the order is shown, wherever it moves. */
export class CardView {
  #context;
  #open = el('button', { class: 'card-open', type: 'button' });
  #time = el('time', { class: 'card-time' });
  #owner = el('p', { class: 'card-owner' });
  #items = el('p', { class: 'card-items' });
  #note = el('p', { class: 'card-note' });
  #total = el('strong', { class: 'card-total' });
  #pieces = el('span', { class: 'card-pieces' });
  #status = el('span', { class: 'sr-only', testid: 'card-status' });
  #actions = el('div', { class: 'card-actions' });
  /** @type {Order} */
  order;

  /** @param {Order} order @param {CardContext} context */
  constructor(order, context) {
    this.order = order;
    this.#context = context;
    this.#open.addEventListener('click', () => context.onOpen(order.id));
    const top = el('div', { class: 'card-top' }, this.#open, this.#status, this.#time);
    const sum = el('div', { class: 'card-sum' }, this.#total, this.#pieces);
    const body = [top, this.#owner, this.#items, this.#note, sum, this.#actions];
    this.node = el('li', { class: 'card', testid: 'card', data: { orderId: order.id } }, ...body);
    this.#show(order, true);
  }

  /** @param {Order} order */
  update(order) {
    const isMoved = order.status !== this.order.status;
    this.order = order;
    this.#show(order, isMoved);
  }

  /** Times grow old without anything happening. */
  tick() {
    setText(this.#time, ago(this.order.updated_at));
  }

  /** @param {Order} order @param {boolean} isMoved */
  #show(order, isMoved) {
    this.node.dataset.version = String(order.version);
    this.node.dataset.status = order.status;
    setText(this.#open, `#${order.number}`);
    this.#open.ariaLabel = `Order #${order.number}`;
    setText(this.#status, STATUS_NAMES[order.status]);
    setText(this.#owner, order.owner.name);
    this.#owner.hidden = !this.#tellsOwner(order);
    setText(this.#items, describe(order));
    setText(this.#total, formatMoney(order.total, order.currency));
    setText(this.#pieces, pieces(order));
    this.#showNote(order.note);
    this.#time.dateTime = order.updated_at;
    this.#time.title = exactly(order.updated_at);
    this.tick();
    if (isMoved) this.#showActions();
  }

  /** Customers know whose their own orders are. @param {Order} order */
  #tellsOwner(order) {
    const { user } = this.#context;
    return isStaff(user) || order.owner.id !== user.id;
  }

  /** @param {string | null} note */
  #showNote(note) {
    this.#note.hidden = !note;
    if (note) this.#note.replaceChildren(icon('note'), el('span', {}, note));
  }

  #showActions() {
    const buttons = movesFor(this.order, this.#context.user).map((move) => this.#button(move));
    this.#actions.replaceChildren(...buttons);
    this.#actions.hidden = buttons.length === 0;
  }

  /** @param {import('../status.js').Move} move */
  #button({ status, label, isMain }) {
    const name = `${label}: order ${this.order.number}`;
    const props = { type: 'button', testid: `action-${status}`, data: { status } };
    const look = isMain ? 'button small step' : 'button small quiet';
    const button = el('button', { ...props, class: look, 'aria-label': name }, label);
    button.addEventListener('click', () => this.#move(button, status));
    return button;
  }

  /**
   * Busy, not disabled: a disabled button would lose the focus.
   * @param {HTMLButtonElement} button @param {Status} status
   */
  async #move(button, status) {
    if (button.ariaBusy === 'true') return;
    button.ariaBusy = 'true';
    await this.#context.onMove(this.order.id, status);
    button.ariaBusy = 'false';
  }
}

/** @param {Order} order */
function describe({ items }) {
  const others = items.length - 1;
  return others > 0 ? `${items[0].name} and\u00a0${others}\u00a0more` : (items[0]?.name ?? '');
}

/** @param {Order} order */
function pieces({ items }) {
  const sum = items.reduce((total, item) => total + item.quantity, 0);
  return counted(sum, 'piece');
}
