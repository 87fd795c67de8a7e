import { LONGEST, MINE } from '../filter.js';
import { isStaff, STATUS_NAMES, STATUSES } from '../status.js';
import { el, icon, isComposing, setText } from './dom.js';
import { counted } from './text.js';

/**
 * @typedef {import('../api.js').Order} Order
 * @typedef {import('../api.js').User} User
 */

/** Offered before the people. */
const EVERYBODY = [
  ['', 'Everyone'],
  [MINE, 'Mine'],
];

/** Search and filters; `/` leads here from anywhere, and Escape back. */
export class FilterBar {
  #filter;
  #user;
  /** @type {Map<string, string>} names of the other people whose orders were seen */
  #owners = new Map();
  #input;
  #status = select('filter-status', 'Status', [
    ['', 'Any status'],
    ...STATUSES.map((status) => [status, STATUS_NAMES[status]]),
  ]);
  #owner = select('filter-owner', 'Whose orders', EVERYBODY);
  #count = el('span', { class: 'match-count', role: 'status', testid: 'match-count' });
  #clear;

  /** @param {import('../filter.js').Filter} filter @param {User} user */
  constructor(filter, user) {
    this.#filter = filter;
    this.#user = user;
    this.#input = searchField((q) => filter.set({ q }));
    this.#status.addEventListener('change', () => filter.set({ status: this.#status.value }));
    this.#owner.addEventListener('change', () => filter.set({ owner: this.#owner.value }));
    const clear = { class: 'link', type: 'button', testid: 'clear-filter', hidden: true };
    this.#clear = el('button', { ...clear, on: { click: () => this.#clearAll() } }, 'Clear');
    this.node = el(
      'search',
      { class: 'tools' },
      el('label', { class: 'search' }, icon('search'), this.#input),
      this.#status,
      this.#owner,
      this.#count,
      this.#clear,
    );
    document.addEventListener('keydown', this.#onKey);
    this.show();
  }

  close() {
    document.removeEventListener('keydown', this.#onKey);
  }

  focus() {
    this.#input.focus();
  }

  /** Show what the filter is. */
  show() {
    const { q, status, owner } = this.#filter.values;
    // What is being typed is not touched: the filter may have trimmed it.
    if (this.#input.value !== q) this.#input.value = q;
    this.#status.value = status;
    if (owner && owner !== MINE && !this.#owners.has(owner)) this.#offer(owner, 'One person');
    this.#owner.value = owner;
    this.#showOwners();
    const { isActive } = this.#filter;
    this.#clear.hidden = !isActive;
    this.node.toggleAttribute('data-active', isActive);
  }

  /** @param {number | null} count of the orders that match; null: still searching */
  showCount(count) {
    if (!this.#filter.isActive) setText(this.#count, '');
    else setText(this.#count, count === null ? 'Searching…' : `${counted(count, 'order')} found`);
  }

  /** Offer the owners of these orders. @param {Order[]} orders @param {User} [user] */
  know(orders, user = this.#user) {
    this.#user = user;
    for (const { owner } of orders) {
      if (owner.id === user.id || this.#owners.get(owner.id) === owner.name) continue;
      this.#owners.set(owner.id, owner.name);
      this.#offer(owner.id, owner.name);
    }
    this.#showOwners();
  }

  /**
   * Whatever is there stays where it is: somebody may be choosing.
   * @param {string} id
   * @param {string} name
   */
  #offer(id, name) {
    const options = [...this.#owner.options];
    const known = options.find(({ value }) => value === id);
    if (known) return setText(known, name);
    const people = options.slice(EVERYBODY.length);
    const next = people.find(({ text }) => text.localeCompare(name) > 0) ?? null;
    this.#owner.insertBefore(el('option', { value: id }, name), next);
  }

  /** A customer with whom nothing was shared sees their own orders only. */
  #showOwners() {
    this.#owner.hidden = !isStaff(this.#user) && this.#owner.options.length === EVERYBODY.length;
  }

  #clearAll() {
    this.#filter.clear();
    this.focus();
  }

  /** @param {KeyboardEvent} event */
  #onKey = (event) => {
    if (event.defaultPrevented || document.querySelector('dialog[open]')) return;
    if (isComposing(event)) return;
    const target = /** @type {HTMLElement} */ (event.target);
    const isTyping = target !== this.#input && target.matches('input, select, textarea');
    if (isTyping || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === '/' && target !== this.#input) {
      event.preventDefault();
      this.#input.select();
      this.focus();
    } else if (event.key === 'Escape') {
      event.preventDefault();
      this.#escape(target);
    }
  };

  /** First the text, then the place; from elsewhere all of the filter. @param {Element} target */
  #escape(target) {
    if (target !== this.#input) this.#filter.clear();
    else if (this.#input.value) this.#filter.set({ q: '' });
    else this.#input.blur();
  }
}

/** @param {(text: string) => void} onInput */
function searchField(onInput) {
  const props = { type: 'search', class: 'input', testid: 'search', maxLength: LONGEST };
  const label = { placeholder: 'Search orders', 'aria-label': 'Search orders', title: 'Press /' };
  const input = el('input', { ...props, ...label, autocomplete: 'off', spellcheck: false });
  input.addEventListener('input', () => onInput(input.value));
  return input;
}

/** @param {string} testid @param {string} label @param {string[][]} options value and text */
function select(testid, label, options) {
  const nodes = options.map(([value, text]) => el('option', { value }, text));
  return el('select', { class: 'input select', testid, 'aria-label': label }, ...nodes);
}
