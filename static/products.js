/**
 * A few things to order, for those who only want to try it.
 *
 * @typedef {{sku: string, name: string, price: string}} Product
 */

import { digitsOf, parseMoney, toDecimal } from './money.js';

/** @type {readonly Product[]} */
export const PRODUCTS = [
  { sku: 'NW-001', name: 'Chai', price: '18.00' },
  { sku: 'NW-002', name: 'Chang', price: '19.00' },
  { sku: 'NW-016', name: 'Pavlova', price: '17.45' },
  { sku: 'NW-060', name: 'Camembert Pierrot', price: '34.00' },
  { sku: 'NW-056', name: 'Gnocchi di nonna Alice', price: '38.00' },
  { sku: 'NW-062', name: 'Tarte au sucre', price: '49.30' },
  { sku: 'NW-024', name: 'Guaraná Fantástica', price: '4.50' },
  { sku: 'NW-011', name: 'Queso Cabrales', price: '21.00' },
  { sku: 'NW-075', name: 'Rhönbräu Klosterbier', price: '7.75' },
  { sku: 'NW-019', name: 'Teatime Chocolate Biscuits', price: '9.20' },
  { sku: 'NW-028', name: 'Rössle Sauerkraut', price: '45.60' },
  { sku: 'NW-031', name: 'Gorgonzola Telino', price: '12.50' },
  { sku: 'NW-055', name: 'Pâté chinois', price: '24.00' },
  { sku: 'NW-068', name: 'Scottish Longbreads', price: '12.50' },
  { sku: 'NW-021', name: "Sir Rodney's Scones", price: '10.00' },
  { sku: 'NW-064', name: 'Wimmers gute Semmelknödel', price: '33.25' },
];

/**
 * Sample prices have two digits; a currency without decimals rounds them.
 * @param {Product} product
 * @param {string} currency
 */
export function priceIn({ price }, currency) {
  if (digitsOf(currency) !== 0) return price;
  return toDecimal(((parseMoney(price, 'EUR') ?? 0n) + 50n) / 100n, currency);
}
