/** Small pieces of text. */

/** Made once: `toLocaleString` would make a new one at each call. */
const whole = new Intl.NumberFormat();

/** @param {number} number */
export function formatCount(number) {
  return whole.format(number);
}

/**
 * @param {number} number
 * @param {string} noun
 * @returns {string} such as "1 order", "1,200 orders"
 */
export function counted(number, noun) {
  return `${whole.format(number)} ${noun}${number === 1 ? '' : 's'}`;
}

/** @param {string} name @returns {string} such as "CM" for Cleo Martin */
export function initials(name) {
  const words = name.trim().split(/\s+/);
  const letters = [words[0], words.length > 1 ? words[words.length - 1] : ''];
  return letters
    .map((word) => [...word][0] ?? '')
    .join('')
    .toUpperCase();
}
