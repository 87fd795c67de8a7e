/**
 * Money as the server sends it: decimal strings with the currency's digits. Sums are made with
 * BigInt in the smallest unit; no amount ever becomes a floating point number.
 */

/** @type {Record<string, number>} digits after the decimal point */
export const CURRENCIES = {
  EUR: 2,
  USD: 2,
  GBP: 2,
  CHF: 2,
  SEK: 2,
  NOK: 2,
  DKK: 2,
  PLN: 2,
  CZK: 2,
  JPY: 0,
};

/** @type {Map<string, Intl.NumberFormat>} making one is slow, using it is not */
const formats = new Map();

/** @param {string} currency */
export function digitsOf(currency) {
  return CURRENCIES[currency] ?? 2;
}

/**
 * @param {string} amount decimal string
 * @param {string} currency
 */
export function formatMoney(amount, currency) {
  let format = formats.get(currency);
  if (!format) {
    const digits = digitsOf(currency);
    const options = { style: 'currency', currency, minimumFractionDigits: digits };
    format = new Intl.NumberFormat(undefined, /** @type {any} */ (options));
    formats.set(currency, format);
  }
  // A string is formatted digit by digit; the type definitions know only numbers.
  return format.format(/** @type {any} */ (amount));
}

const FOREIGN = /[\uff10-\uff19\u0660-\u0669\u06f0-\u06f9]/g;

/**
 * What a person typed, with the digits and points that are read here: those of Japanese input are
 * wide, Arabic and Persian have their own. A general normalisation would go too far: to it, a raised
 * two is a two.
 * @param {string} text
 */
export function plainDigits(text) {
  const digits = text.replace(FOREIGN, (digit) => String(digit.charCodeAt(0) & 0xf));
  return digits.replace(/[\uff0e\uff0c\u066b]/g, '.');
}

/**
 * Read what a person typed, with a point or a comma before the decimals. Three digits behind it may
 * be meant as thousands, so they are no amount in any currency.
 * @param {string} text
 * @param {string} currency
 * @returns {bigint | null} in the smallest unit; null when it is no amount of that currency
 */
export function parseMoney(text, currency) {
  const digits = digitsOf(currency);
  const match = /^(\d{1,10})(?:[.,](\d{0,2}))?$/.exec(plainDigits(text.trim()));
  if (!match) return null;
  const decimals = (match[2] ?? '').replace(/0+$/, '');
  if (decimals.length > digits) return null;
  return BigInt(match[1] + decimals.padEnd(digits, '0'));
}

/**
 * The decimal string that the server expects.
 * @param {bigint} units
 * @param {string} currency
 */
export function toDecimal(units, currency) {
  const digits = digitsOf(currency);
  const text = units.toString().padStart(digits + 1, '0');
  return digits === 0 ? text : `${text.slice(0, -digits)}.${text.slice(-digits)}`;
}

/**
 * @param {{quantity: number, unit_price: string}} item
 * @param {string} currency
 * @returns {bigint} in the smallest unit
 */
export function lineUnits(item, currency) {
  return (parseMoney(item.unit_price, currency) ?? 0n) * BigInt(item.quantity);
}

/**
 * @param {{quantity: number, unit_price: string}} item
 * @param {string} currency
 * @returns {string} decimal string
 */
export function lineTotal(item, currency) {
  return toDecimal(lineUnits(item, currency), currency);
}
