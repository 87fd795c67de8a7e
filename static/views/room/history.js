import { deed, quote } from '../../room/sentences.js';
import { el } from '../dom.js';
import { avatar } from './avatar.js';
import { Log, timeNode } from './log.js';

/** @typedef {import('../../order-events.js').OrderEvent} OrderEvent */

/** All that has happened to an order, as a timeline. */
export class HistoryView {
  #room;
  #log = new Log({ testid: 'history', empty: 'Nothing has happened yet.', label: 'History' });
  /** @type {Map<string, HTMLElement>} */
  #nodes = new Map();

  /** @param {import('../../room.js').Room} room */
  constructor(room) {
    this.#room = room;
    this.node = el('div', { class: 'history' }, this.#log.node);
    this.show();
  }

  show() {
    const nodes = this.#room.timeline.events.map((event) => this.#nodeOf(event));
    this.#log.show(nodes, this.#room.isLoaded || this.#room.end !== null);
  }

  toEnd() {
    this.#log.toEnd();
  }

  close() {
    this.#log.close();
  }

  /** @param {OrderEvent} event */
  #nodeOf(event) {
    const known = this.#nodes.get(event.id);
    if (known) return known;
    const node = entry(event);
    this.#nodes.set(event.id, node);
    return node;
  }
}

/** @param {OrderEvent} event */
function entry(event) {
  const who = el('strong', { dir: 'auto' }, event.actor?.name ?? 'Tandem');
  const said = quote(event);
  const sentence = el('p', { class: 'deed', dir: 'auto' }, who, ` ${deed(event)}`);
  const body = el('div', { class: 'deed-body' }, sentence, said && el('blockquote', { dir: 'auto' }, said));
  body.append(timeNode(event.at));
  const data = { type: event.type, status: event.changed?.status?.[1] };
  if (!data.status) delete data.status;
  return el('li', { class: 'event', testid: 'event', data }, avatar(event.actor), body);
}
