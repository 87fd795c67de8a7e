/**
 * What the page shows of the whole, and how the workers make it up.
 *
 * @typedef {import('./workers.js').Figures} Figures
 * @typedef {import('./workers.js').Read} Read
 * @typedef {import('./units.js').Shown} Shown
 *
 * @typedef {object} Measure
 * @property {string} id
 * @property {string} title
 * @property {'sum' | 'worst'} whole shares are stacked; of the others the worst counts
 * @property {Read} read
 * @property {(number: number) => Shown} show
 * @property {number} least the axis reaches at least so far
 * @property {(latest: Figures[]) => string} detail
 */

import { bytesPerSecond, count, milliseconds, percent, perSecond, seconds, text } from './units.js';

/** @type {Measure[]} */
export const MEASURES = [
  {
    id: 'connections',
    title: 'Connections',
    whole: 'sum',
    read: (figures) => figures.connections,
    show: count,
    least: 4,
    detail: (latest) => `${text(count(sum(latest, 'subscriptions')))} subscriptions`,
  },
  {
    id: 'events',
    title: 'Events',
    whole: 'sum',
    read: (figures) => figures.relayed_per_s,
    show: perSecond,
    least: 4,
    detail: () => 'numbered by the relay',
  },
  {
    id: 'deliveries',
    title: 'Deliveries',
    whole: 'sum',
    read: (figures) => figures.deliveries_per_s,
    show: perSecond,
    least: 4,
    detail: (latest) => text(bytesPerSecond(sum(latest, 'delivered_bytes_per_s'))),
  },
  {
    id: 'latency',
    title: 'Commit to socket, p99',
    whole: 'worst',
    read: (figures) => figures.commit_to_socket_p99_ms,
    show: milliseconds,
    least: 4,
    detail: (latest) => median(worst(latest, 'commit_to_socket_p50_ms')),
  },
  {
    id: 'relay',
    title: 'Relay lag',
    whole: 'worst',
    read: (figures) => figures.relay_pending_age_s,
    show: seconds,
    least: 1,
    detail: (latest) => `${text(count(worst(latest, 'relay_pending') ?? 0))} events waiting`,
  },
  {
    id: 'loop',
    title: 'Event loop lag',
    whole: 'worst',
    read: (figures) => figures.loop_lag_ms,
    show: milliseconds,
    least: 4,
    detail: (latest) => `CPU ${text(percent(sum(latest, 'cpu_percent')))}`,
  },
];

/** @param {number | null} time */
function median(time) {
  return time === null ? '' : `p50 ${text(milliseconds(time))}`;
}

/** @param {Figures[]} latest @param {keyof Figures} name */
function sum(latest, name) {
  return latest.reduce((total, figures) => total + Number(figures[name]), 0);
}

/** @param {Figures[]} latest @param {keyof Figures} name @returns {number | null} */
function worst(latest, name) {
  const known = latest.filter((figures) => figures[name] !== null);
  return known.length ? Math.max(...known.map((figures) => Number(figures[name]))) : null;
}

/**
 * The whole, second by second, of the workers' series.
 * @param {(number | null)[][]} series
 * @param {Measure['whole']} whole
 * @returns {(number | null)[]}
 */
export function combine(series, whole) {
  const length = Math.max(0, ...series.map((values) => values.length));
  return Array.from({ length }, (_, nth) => {
    const known = /** @type {number[]} */ (series.map((values) => values[nth]).filter(isKnown));
    if (!known.length) return null;
    return whole === 'sum' ? known.reduce((one, other) => one + other) : Math.max(...known);
  });
}

/** @param {number | null} value */
function isKnown(value) {
  return value !== null;
}
