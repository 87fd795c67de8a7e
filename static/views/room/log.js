import { arrange, el, setText } from '../dom.js';
import { ago, exactly } from '../../time.js';

const NEAR = 48;
const TICK = 30_000;

/** A list that grows at its end, and stays there for whoever looks at its end. */
export class Log {
  #list;
  #empty;
  #scroll;
  /** @type {any} */
  #ticker = 0;

  /** @param {{testid: string, empty: string, label: string}} options */
  constructor({ testid, empty, label }) {
    this.#list = el('ol', { class: 'log-list', testid, role: 'list' });
    this.#empty = el('p', { class: 'log-empty', hidden: true }, empty);
    const props = { class: 'log', tabIndex: 0, role: 'group', 'aria-label': label };
    this.#scroll = el('div', props, this.#list, this.#empty);
    this.node = this.#scroll;
    this.#ticker = setInterval(() => this.#tick(), TICK);
  }

  close() {
    clearInterval(this.#ticker);
  }

  /** @param {HTMLElement[]} nodes @param {boolean} isLoaded */
  show(nodes, isLoaded) {
    const { scrollTop, scrollHeight, clientHeight } = this.#scroll;
    const wasAtEnd = scrollHeight - scrollTop - clientHeight < NEAR;
    arrange(this.#list, nodes);
    this.#list.ariaBusy = String(!isLoaded);
    this.#empty.hidden = !isLoaded || nodes.length > 0;
    if (wasAtEnd) this.toEnd();
  }

  toEnd() {
    this.#scroll.scrollTop = this.#scroll.scrollHeight;
  }

  #tick() {
    for (const node of this.#list.querySelectorAll('time')) setText(node, ago(node.dateTime));
  }
}

/** @param {string} at */
export function timeNode(at) {
  return el('time', { class: 'log-time', dateTime: at, title: exactly(at) }, ago(at));
}
