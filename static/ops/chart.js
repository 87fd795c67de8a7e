/**
 * Lines and areas over the seconds of the window. They are stretched to the size of the page;
 * strokes are not, and all text stands outside, so nothing has to be measured.
 *
 * @typedef {{colour: number | string, values: (number | null)[], isSilent?: boolean}} Series
 */

const SVG = 'http://www.w3.org/2000/svg';
const HEIGHT = 100;
/** The width of a second that stands alone: else it could not be seen. */
const ALONE = 0.8;

export class Chart {
  #lines = svg('g', {});
  #cursor = svg('line', { class: 'chart-cursor', y1: '0', y2: String(HEIGHT) });
  #isStacked;

  /** @param {{isStacked: boolean, testid: string}} options */
  constructor({ isStacked, testid }) {
    this.#isStacked = isStacked;
    this.node = svg('svg', { class: 'chart', role: 'img', preserveAspectRatio: 'none' });
    this.node.dataset.testid = testid;
    this.point(null);
    this.node.append(this.#lines, this.#cursor);
  }

  /**
   * @param {Series[]} all
   * @param {number} top the value at the upper edge
   * @param {string} label what is to be seen, in words
   */
  show(all, top, label) {
    const length = all[0]?.values.length ?? 0;
    this.node.setAttribute('viewBox', `0 0 ${Math.max(1, length - 1)} ${HEIGHT}`);
    this.node.setAttribute('aria-label', label);
    const y = (/** @type {number} */ value) => (HEIGHT * (1 - value / top)).toFixed(2);
    const drawn = this.#isStacked ? stacked(all, y) : all.map((one) => line(one, y));
    // The lowest in front: where those above add nothing its line is the one to be seen.
    this.#lines.replaceChildren(...drawn.reverse().flat());
  }

  /** @param {number | null} nth the second to point at */
  point(nth) {
    this.#cursor.setAttribute('visibility', nth === null ? 'hidden' : 'visible');
    if (nth === null) return;
    this.#cursor.setAttribute('x1', String(nth));
    this.#cursor.setAttribute('x2', String(nth));
  }
}

/** @typedef {(value: number) => string} ToY */

/** One area on top of the other. @param {Series[]} all @param {ToY} y */
function stacked(all, y) {
  const ground = (all[0]?.values ?? []).map(() => 0);
  return all.map((series) => {
    const below = [...ground];
    const above = series.values.map((value, nth) => (value === null ? null : below[nth] + value));
    above.forEach((value, nth) => (ground[nth] = value ?? ground[nth]));
    const areas = runs(above).map((run) => {
      const back = [...run].reverse().map(([x]) => `L${x} ${y(below[x])}`);
      return `${trace(run, y)}${back.join('')}Z`;
    });
    const edges = runs(above).map((run) => trace(run, y));
    return [path(series, 'chart-area', areas), path(series, 'chart-line', edges)];
  });
}

/** @param {Series} series @param {ToY} y */
function line(series, y) {
  const traces = runs(series.values).map((run) => trace(run, y));
  return [path(series, 'chart-line', traces)];
}

/**
 * Seconds that follow each other without a hole. @typedef {[x: number, value: number][]} Run
 * @param {(number | null)[]} values
 */
function runs(values) {
  /** @type {Run[]} */
  const found = [];
  values.forEach((value, nth) => {
    if (value === null) return;
    const isNew = nth === 0 || values[nth - 1] === null;
    if (isNew) found.push([]);
    found[found.length - 1].push([nth, value]);
  });
  return found;
}

/** @param {Run} run @param {ToY} y */
function trace(run, y) {
  const [[first, value]] = run;
  if (run.length === 1) return `M${first - ALONE / 2} ${y(value)}h${ALONE}`;
  return `M${run.map(([x, each]) => `${x} ${y(each)}`).join('L')}`;
}

/** @param {Series} series @param {string} kind @param {string[]} traces */
function path({ colour, isSilent }, kind, traces) {
  const drawn = svg('path', { class: kind, d: traces.join('') });
  drawn.dataset.colour = String(colour);
  if (isSilent) drawn.dataset.silent = '';
  return drawn;
}

/**
 * @template {keyof SVGElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Record<string, string>} attributes
 * @returns {SVGElementTagNameMap[Tag]}
 */
function svg(tag, attributes) {
  const node = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  return node;
}
