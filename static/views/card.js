import { formatMoney } from '../money.js';
import { isStaff, STATUS_NAMES } from '../status.js';
import { ago, exactly } from '../time.js';
import { CardActions } from './card-actions.js';
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

/** One order on the board. The node lives as long as it is shown, wherever it moves. */
export class CardView {
  #context;
  #open = el('button', { class: 'card-open', type: 'button', testid: 'card-open' });
  #time = el('time', { class: 'card-time' });
  #owner = el('p', { class: 'card-owner', dir: 'auto' });
  #product = el('bdi');
  #others = el('span');
  #items = el('p', { class: 'card-items' }, this.#product, this.#others);
  #note = el('p', { class: 'card-note' });
  #total = el('strong', { class: 'card-total' });
  #pieces = el('span', { class: 'card-pieces' });
  #status = el('span', { class: 'sr-only', testid: 'card-status' });
  #actions;
  /** @type {Order} */
  order;

  /** @param {Order} order @param {CardContext} context */
  constructor(order, context) {
    this.order = order;
    this.#context = context;
    this.#open.addEventListener('click', () => context.onOpen(order.id));
    const top = el('div', { class: 'card-top' }, this.#open, this.#status, this.#time);
    const sum = el('div', { class: 'card-sum' }, this.#total, this.#pieces);
    this.#actions = new CardActions(order, context, (isWaiting) => this.#showWaiting(isWaiting));
    const body = [top, this.#owner, this.#items, this.#note, sum, this.#actions.node];
    this.node = el('li', { class: 'card', testid: 'card', data: { orderId: order.id } }, ...body);
    this.#show(order);
  }

  /** Whether a move of this person is on its way. */
  get isMoving() {
    return this.#actions.isMoving;
  }

  /** @param {Order} order */
  update(order) {
    this.order = order;
    this.#actions.update(order);
    this.#show(order);
  }

  /** Times grow old without anything happening. */
  tick() {
    setText(this.#time, ago(this.order.updated_at));
  }

  /** @param {Order} order */
  #show(order) {
    this.node.dataset.version = String(order.version);
    this.node.dataset.status = order.status;
    setText(this.#open, `#${order.number}`);
    this.#open.ariaLabel = `Order #${order.number}`;
    setText(this.#status, STATUS_NAMES[order.status]);
    setText(this.#owner, order.owner.name);
    this.#owner.hidden = !this.#tellsOwner(order);
    setText(this.#product, order.items[0]?.name ?? '');
    setText(this.#others, others(order));
    setText(this.#total, formatMoney(order.total, order.currency));
    setText(this.#pieces, pieces(order));
    this.#showNote(order.note);
    this.#time.dateTime = order.updated_at;
    this.#time.title = exactly(order.updated_at);
    this.tick();
  }

  /** Customers know whose their own orders are. @param {Order} order */
  #tellsOwner(order) {
    const { user } = this.#context;
    return isStaff(user) || order.owner.id !== user.id;
  }

  /** @param {string | null} note */
  #showNote(note) {
    this.#note.hidden = !note;
    if (note) this.#note.replaceChildren(icon('note'), el('span', { dir: 'auto' }, note));
  }

  /** @param {boolean} isWaiting for the server's answer to a move */
  #showWaiting(isWaiting) {
    this.node.ariaBusy = isWaiting ? 'true' : null;
  }
}

/** @param {Order} order */
function others({ items }) {
  const count = items.length - 1;
  return count > 0 ? ` and\u00a0${count}\u00a0more` : '';
}

/** @param {Order} order */
function pieces({ items }) {
  const sum = items.reduce((total, item) => total + item.quantity, 0);
  return counted(sum, 'piece');
}
