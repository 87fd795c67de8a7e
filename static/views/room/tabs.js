import { el, setText } from '../dom.js';

/**
 * @typedef {'order' | 'comments' | 'history'} Tab
 * @typedef {{button: HTMLButtonElement, count: HTMLElement, panel: HTMLElement}} Part
 */

/** @type {Record<Tab, string>} */
const NAMES = { order: 'Order', comments: 'Comments', history: 'History' };
const ORDER = /** @type {Tab[]} */ (Object.keys(NAMES));
/** From here on the order has a place of its own, beside comments or history. */
const WIDE = matchMedia('(min-width: 980px)');

let count = 0;

/** On a phone one of three panels; where there is room the order, and one of two beside it. */
export class Tabs {
  /** @type {Map<Tab, Part>} */
  #parts = new Map();
  #list = el('div', { class: 'room-tabs', role: 'tablist', 'aria-label': 'Parts of the order' });
  /** @type {Tab} */
  current = 'order';
  /** @type {(tab: Tab) => void} */
  onShow = () => {};

  /** @param {Record<Tab, HTMLElement>} contents */
  constructor(contents) {
    for (const tab of ORDER) this.#add(tab, contents[tab]);
    const panels = [...this.#parts.values()].map((part) => part.panel);
    this.node = el('div', { class: 'room-parts' }, this.#list, ...panels);
    this.#list.addEventListener('keydown', this.#key);
    WIDE.addEventListener('change', this.#fit);
    this.#fit();
  }

  close() {
    WIDE.removeEventListener('change', this.#fit);
  }

  /** @param {Tab} tab */
  isSeen(tab) {
    return tab === this.current || (tab === 'order' && WIDE.matches);
  }

  /** @param {Tab} wanted */
  show(wanted) {
    this.current = wanted;
    for (const [tab, { button, panel }] of this.#parts) {
      button.ariaSelected = String(tab === wanted);
      button.tabIndex = tab === wanted ? 0 : -1;
      panel.hidden = !this.isSeen(tab);
      if (tab === wanted) delete button.dataset.news;
    }
    this.onShow(wanted);
  }

  /** @param {Tab} tab @param {number} number */
  showCount(tab, number) {
    const count = this.#parts.get(tab)?.count;
    if (!count) return;
    setText(count, String(number));
    count.hidden = number === 0;
  }

  /** Something came that is not seen. @param {Tab} tab */
  markNews(tab) {
    const part = this.#parts.get(tab);
    if (part && !this.isSeen(tab)) part.button.dataset.news = '';
  }

  /** @param {Tab} tab @param {HTMLElement} content */
  #add(tab, content) {
    const id = `room-${tab}-${++count}`;
    const number = el('span', { class: 'count', hidden: true });
    const props = { class: 'room-tab', type: 'button', role: 'tab', testid: `tab-${tab}` };
    const on = { click: () => this.show(tab) };
    const button = el(
      'button',
      { ...props, id, 'aria-controls': `${id}-panel`, on },
      NAMES[tab],
      number,
    );
    button.dataset.tab = tab;
    const role = { role: 'tabpanel', id: `${id}-panel`, 'aria-labelledby': id };
    const panel = el('div', { class: `room-panel room-panel-${tab}`, ...role }, content);
    this.#list.append(button);
    this.#parts.set(tab, { button, count: number, panel });
  }

  #fit = () => {
    const order = this.#parts.get('order');
    if (order) order.button.hidden = WIDE.matches;
    this.show(WIDE.matches && this.current === 'order' ? 'comments' : this.current);
  };

  /** @param {KeyboardEvent} event */
  #key = (event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!step) return;
    const tabs = ORDER.filter((tab) => !this.#parts.get(tab)?.button.hidden);
    const next = tabs[(tabs.indexOf(this.current) + step + tabs.length) % tabs.length];
    event.preventDefault();
    this.show(next);
    this.#parts.get(next)?.button.focus();
  };
}
