import { el, setText } from '../views/dom.js';
import { Chart } from './chart.js';
import { combine } from './measures.js';
import { axisEnd, text } from './units.js';
import { WINDOW } from './workers.js';

/**
 * @typedef {import('./measures.js').Measure} Measure
 * @typedef {import('./workers.js').Worker} Worker
 */

/** One measure of the whole: its value now, large, and its last minute and a half. */
export class Panel {
  #measure;
  #value = el('span', { class: 'panel-number' });
  #unit = el('span', { class: 'panel-unit' });
  #detail = el('span', { class: 'panel-detail' });
  #marks = [el('span', {}), el('span', {}), el('span', {}, '0')];
  #chart;
  #plot;
  /** @type {(number | null)[]} */
  #whole = [];
  #latest = '';
  /** @type {number | null} */
  #pointed = null;

  /** @param {Measure} measure @param {(nth: number | null) => void} onPoint */
  constructor(measure, onPoint) {
    this.#measure = measure;
    this.#chart = new Chart({ isStacked: measure.whole === 'sum', testid: `chart-${measure.id}` });
    const axis = el('div', { class: 'axis', 'aria-hidden': 'true' }, ...this.#marks);
    this.#plot = el('div', { class: 'plot' }, axis, /** @type {any} */ (this.#chart.node));
    this.#plot.addEventListener('pointermove', (event) => onPoint(this.#secondAt(event)));
    this.#plot.addEventListener('pointerleave', () => onPoint(null));
    const value = el('p', { class: 'panel-value', testid: `now-${measure.id}` });
    value.append(this.#value, this.#unit);
    const head = el('div', { class: 'panel-head' }, value, this.#detail);
    const title = el('h2', { class: 'panel-title' }, measure.title);
    this.node = el('section', { class: 'panel', testid: `panel-${measure.id}` }, title, head);
    this.node.append(this.#plot, times());
  }

  /** @param {Worker[]} workers @param {number} now */
  show(workers, now) {
    const { read, whole, least, detail, show, title } = this.#measure;
    const all = workers.map((worker) => {
      const { colour, isSilent } = worker;
      return { colour, isSilent, values: worker.series(read, now) };
    });
    const series = all.map(({ values }) => values);
    this.#whole = combine(series, whole);
    const top = axisEnd(Math.max(0, ...this.#whole.map(Number)), least);
    setText(this.#marks[0], text(show(top)));
    setText(this.#marks[1], text(show(top / 2)));
    const present = workers.filter(({ isSilent }) => !isSilent).map(({ latest }) => latest);
    this.#latest = present.length ? detail(present) : '';
    this.#chart.show(all, top, `${title}, last ${WINDOW} seconds: ${this.#inWords()}`);
    this.#showValue();
  }

  /** @param {number | null} nth */
  point(nth) {
    this.#pointed = nth;
    this.#chart.point(nth);
    this.#showValue();
  }

  #showValue() {
    const [nth, isPast] = this.#shown();
    const value = this.#whole[nth];
    const [number, unit] = value === null || value === undefined ? ['–', ''] : this.#measure.show(value);
    setText(this.#value, number);
    setText(this.#unit, unit);
    setText(this.#detail, isPast ? `${this.#whole.length - 1 - nth} s ago` : this.#latest);
  }

  /** What is pointed at; else the newest second of which something is known. */
  #shown() {
    if (this.#pointed !== null) return /** @type {const} */ ([this.#pointed, true]);
    const last = this.#whole.length - 1;
    const known = this.#whole.findLastIndex((value) => value !== null);
    return /** @type {const} */ ([known < 0 ? last : known, known >= 0 && last - known > 2]);
  }

  #inWords() {
    const known = /** @type {number[]} */ (this.#whole.filter((value) => value !== null));
    if (!known.length) return 'nothing yet';
    const { show } = this.#measure;
    const [last, low, high] = [known[known.length - 1], Math.min(...known), Math.max(...known)];
    return `now ${text(show(last))}, lowest ${text(show(low))}, highest ${text(show(high))}`;
  }

  /** @param {PointerEvent} event */
  #secondAt({ clientX }) {
    const { left, width } = this.#plot.getBoundingClientRect();
    const share = Math.min(1, Math.max(0, (clientX - left) / width));
    return Math.round(share * (WINDOW - 1));
  }
}

function times() {
  const past = el('span', {}, `${WINDOW} s ago`);
  return el('div', { class: 'times', 'aria-hidden': 'true' }, past, el('span', {}, 'now'));
}
