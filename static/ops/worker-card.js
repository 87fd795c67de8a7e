import { el, setText } from '../views/dom.js';
import { Chart } from './chart.js';
import {
  axisEnd,
  bytes,
  bytesPerSecond,
  count,
  lasting,
  milliseconds,
  percent,
  perSecond,
  seconds,
  text,
} from './units.js';

/**
 * @typedef {import('./workers.js').Figures} Figures
 * @typedef {import('./workers.js').Worker} Worker
 * @typedef {import('./units.js').Shown} Shown
 * @typedef {object} Line
 * @property {string} title
 * @property {import('./workers.js').Read} read
 * @property {(number: number) => Shown} show
 * @property {number} [least] with it the line is drawn, too, on an axis that reaches so far
 */

/** @type {(Line & {least: number})[]} */
const DRAWN = [
  { title: 'Connections', read: (one) => one.connections, show: count, least: 4 },
  { title: 'Deliveries', read: (one) => one.deliveries_per_s, show: perSecond, least: 4 },
  {
    title: 'To socket, p99',
    read: (one) => one.commit_to_socket_p99_ms,
    show: milliseconds,
    least: 4,
  },
  { title: 'CPU', read: (one) => one.cpu_percent, show: percent, least: 10 },
];

/** @type {Line[]} */
const TOLD = [
  { title: 'Subscriptions', read: (one) => one.subscriptions, show: count },
  { title: 'Channels', read: (one) => one.channels, show: count },
  { title: 'Events in', read: (one) => one.events_per_s, show: perSecond },
  { title: 'Bytes out', read: (one) => one.delivered_bytes_per_s, show: bytesPerSecond },
  { title: 'To socket, p50', read: (one) => one.commit_to_socket_p50_ms, show: milliseconds },
  { title: 'Flush', read: (one) => one.flush_ms, show: milliseconds },
  { title: 'Loop lag', read: (one) => one.loop_lag_ms, show: milliseconds },
  { title: 'Relay waiting', read: (one) => one.relay_pending, show: count },
  { title: 'Relay lag', read: (one) => one.relay_pending_age_s, show: seconds },
  { title: 'Memory', read: (one) => one.rss_bytes, show: bytes },
];

/** One worker: how it is, four small charts, and the rest in numbers. */
export class WorkerCard {
  #since = el('span', { class: 'worker-since' });
  #state = el('span', { class: 'badge', testid: 'worker-state' });
  #redis = lamp('Redis');
  #postgres = lamp('Postgres');
  #drawn = DRAWN.map((drawn) => new Sparkline(drawn));
  #told = TOLD.map(() => el('dd', {}));

  /** @param {Worker} worker */
  constructor({ id, name, colour }) {
    const dot = el('i', { class: 'swatch', 'aria-hidden': 'true', data: { colour } });
    const title = el('h3', { class: 'worker-name' }, dot, name);
    const lamps = el('div', { class: 'lamps' }, this.#redis.node, this.#postgres.node);
    const head = el('header', { class: 'worker-head' }, title, this.#state, this.#since, lamps);
    const sparks = el('div', { class: 'sparks' }, ...this.#drawn.map(({ node }) => node));
    const told = TOLD.map(({ title: term }, nth) => el('div', {}, el('dt', {}, term), this.#told[nth]));
    const list = el('dl', { class: 'told' }, ...told);
    const data = { worker: id };
    this.node = el('article', { class: 'worker', testid: 'worker', data }, head, sparks, list);
  }

  /** @param {Worker} worker @param {number} now */
  show(worker, now) {
    const { latest, isSilent } = worker;
    const state = isSilent ? 'silent' : latest.draining ? 'draining' : 'up';
    this.node.dataset.state = state;
    setText(this.#state, { silent: 'Silent', draining: 'Draining', up: 'Up' }[state]);
    setText(this.#since, `${latest.host} · up ${lasting(latest.uptime_s)}`);
    this.#redis.show(latest.redis_up);
    this.#postgres.show(latest.postgres_up);
    for (const drawn of this.#drawn) drawn.show(worker, now);
    TOLD.forEach((told, nth) => setText(this.#told[nth], valueOf(told, latest)));
  }
}

class Sparkline {
  #line;
  #value = el('span', { class: 'spark-value' });
  #chart = new Chart({ isStacked: true, testid: 'spark' });

  /** @param {Line & {least: number}} drawn */
  constructor(drawn) {
    this.#line = drawn;
    const title = el('span', { class: 'spark-title' }, drawn.title);
    this.node = el('div', { class: 'spark' }, title, this.#value);
    this.node.append(this.#chart.node);
  }

  /** @param {Worker} worker @param {number} now */
  show(worker, now) {
    const { title, read, least } = this.#line;
    const values = worker.series(read, now);
    const top = axisEnd(Math.max(0, ...values.map(Number)), least);
    const value = valueOf(this.#line, worker.latest);
    setText(this.#value, value);
    const { colour, isSilent } = worker;
    this.#chart.show([{ colour, isSilent, values }], top, `${title} of ${worker.name}: ${value}`);
  }
}

/** @param {Line} line @param {Figures} latest */
function valueOf({ read, show }, latest) {
  const value = read(latest);
  return value === null ? '–' : text(show(value));
}

/** @param {string} name */
function lamp(name) {
  const state = el('span', {});
  const dot = el('i', { class: 'lamp', 'aria-hidden': 'true' });
  const node = el('span', { class: 'service', testid: name.toLowerCase() }, dot, state);
  return {
    node,
    show(/** @type {boolean} */ isUp) {
      node.dataset.up = String(isUp);
      setText(state, isUp ? name : `${name} down`);
    },
  };
}
