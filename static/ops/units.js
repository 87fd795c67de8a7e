/**
 * Numbers with their units, for people.
 *
 * @typedef {[number: string, unit: string]} Shown
 */

const whole = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });
const tenths = new Intl.NumberFormat('en', { maximumFractionDigits: 1 });
const hundredths = new Intl.NumberFormat('en', { maximumFractionDigits: 2 });
const compact = new Intl.NumberFormat('en', { notation: 'compact', maximumFractionDigits: 1 });

const LONG = 100_000;
const SIZES = ['B', 'kB', 'MB', 'GB', 'TB'];

/** As many digits as one can take in, without zeros that say nothing. @param {number} number */
function digits(number) {
  if (number >= LONG) return compact.format(number);
  if (number >= 10) return whole.format(number);
  return (number >= 1 ? tenths : hundredths).format(number);
}

/** @param {number} number @returns {Shown} */
export function count(number) {
  return [number >= LONG * 10 ? compact.format(number) : whole.format(number), ''];
}

/** @param {number} number @returns {Shown} */
export function perSecond(number) {
  return [digits(number), '/s'];
}

/** @param {number} number @returns {Shown} */
export function percent(number) {
  return [digits(number), '%'];
}

/** @param {number} number @returns {Shown} */
export function milliseconds(number) {
  return number < 1000 ? [digits(number), 'ms'] : [digits(number / 1000), 's'];
}

/** @param {number} number @returns {Shown} */
export function seconds(number) {
  if (number === 0) return ['0', 's'];
  return number < 60 ? milliseconds(number * 1000) : [digits(number / 60), 'min'];
}

/** @param {number} number @returns {Shown} */
export function bytes(number) {
  let size = 0;
  while (number >= 1000 && size < SIZES.length - 1) {
    number /= 1000;
    size += 1;
  }
  return [digits(number), SIZES[size]];
}

/** @param {number} number @returns {Shown} */
export function bytesPerSecond(number) {
  const [text, unit] = bytes(number);
  return [text, `${unit}/s`];
}

/** @param {Shown} shown @returns {string} such as "1.2 ms", "12/s" */
export function text([number, unit]) {
  return unit.startsWith('/') || unit === '' ? number + unit : `${number}\u00a0${unit}`;
}

/** @param {number} uptime seconds @returns {string} such as "3 h 12 min" */
export function lasting(uptime) {
  const [days, hours, minutes] = [86_400, 3_600, 60].map((unit) => Math.floor(uptime / unit));
  if (days) return `${days} d ${hours % 24} h`;
  if (hours) return `${hours} h ${minutes % 60} min`;
  return minutes ? `${minutes} min` : `${Math.floor(uptime)} s`;
}

/**
 * The next round number for the end of an axis: 1, 2, 4 or 5 times a power of ten.
 * @param {number} highest
 * @param {number} least
 */
export function axisEnd(highest, least) {
  const wanted = Math.max(highest * 1.05, least);
  const power = 10 ** Math.floor(Math.log10(wanted));
  const step = [1, 2, 4, 5, 10].find((each) => each * power >= wanted) ?? 10;
  return step * power;
}
