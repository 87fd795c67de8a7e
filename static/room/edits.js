/**
 * Edits as values by field, the way events and conflicts name them: `note`, `status`,
 * `items/<sku>`; the value of a line that is removed is null. No I/O here.
 *
 * @typedef {import('../api.js').Order} Order
 * @typedef {import('../api.js').Item} Item
 * @typedef {import('../problems.js').FieldConflict} FieldConflict
 * @typedef {Record<string, any>} Edit
 * @typedef {'yours' | 'theirs'} Choice
 */

import { lineUnits, toDecimal } from '../money.js';

const LINE = 'items/';

/** @param {string} sku */
export function lineField(sku) {
  return LINE + sku;
}

/** @param {string} field @returns {string | null} the sku, if the field is a line */
export function skuOf(field) {
  return field.startsWith(LINE) ? field.slice(LINE.length) : null;
}

/** @param {Order} order @param {string} field @returns {any} null: there is no such line */
export function valueOf(order, field) {
  const sku = skuOf(field);
  if (sku === null) return /** @type {any} */ (order)[field] ?? null;
  return order.items.find((item) => item.sku === sku) ?? null;
}

/** @param {any} one @param {any} other two values of one field */
export function isSame(one, other) {
  if (one === null || other === null || typeof one !== 'object') return one === other;
  const names = /** @type {const} */ (['name', 'quantity', 'unit_price']);
  return names.every((name) => one[name] === other[name]);
}

/** What of the edit makes a difference to the order. @param {Order} order @param {Edit} edit */
export function differing(order, edit) {
  return pick(edit, (field) => !isSame(valueOf(order, field), edit[field]));
}

/**
 * What conflicts as far as one can see here, where the server cannot tell: its history does not
 * reach back to the base, or another one was restored, or it takes the edit for none.
 * @param {Edit} edit @param {Order} base @param {Order} current
 * @returns {FieldConflict[]}
 */
export function conflictsOf(edit, base, current) {
  return Object.keys(differing(current, edit))
    .map((field) => ({
      field,
      base: valueOf(base, field),
      yours: edit[field],
      theirs: valueOf(current, field),
      by: null,
      at: current.updated_at,
    }))
    .filter((conflict) => !isSame(conflict.theirs, conflict.base));
}

/** The order as it is with the edit. @param {Order} order @param {Edit} edit @returns {Order} */
export function withEdit(order, edit) {
  const changed = { ...order, ...patchOf(order, edit) };
  return { ...changed, total: totalOf(changed) };
}

/**
 * The body of a PATCH: lines are sent all together.
 * @param {Order} order
 * @param {Edit} edit
 * @returns {Partial<Pick<Order, 'status' | 'note' | 'items'>>}
 */
export function patchOf(order, edit) {
  const fields = Object.keys(edit);
  const plain = pick(edit, (field) => skuOf(field) === null);
  return fields.some((field) => skuOf(field) !== null)
    ? { ...plain, items: itemsWith(order.items, edit) }
    : plain;
}

/**
 * What is left to send when a person has chosen, conflict by conflict.
 * @param {Edit} edit
 * @param {Record<string, Choice>} choices
 */
export function chosen(edit, choices) {
  return pick(edit, (field) => choices[field] !== 'theirs');
}

/** @param {Item[]} items @param {Edit} edit */
function itemsWith(items, edit) {
  const known = new Set(items.map((item) => item.sku));
  const kept = items.map((item) =>
    lineField(item.sku) in edit ? edit[lineField(item.sku)] : item,
  );
  const added = Object.keys(edit).filter((field) => {
    const sku = skuOf(field);
    return sku !== null && !known.has(sku);
  });
  return [...kept, ...added.map((field) => edit[field])].filter((item) => item !== null);
}

/** @param {Order} order */
function totalOf({ items, currency }) {
  const units = items.reduce((sum, item) => sum + lineUnits(item, currency), 0n);
  return toDecimal(units, currency);
}

/** @param {Edit} edit @param {(field: string) => boolean} isWanted @returns {Edit} */
function pick(edit, isWanted) {
  return Object.fromEntries(Object.entries(edit).filter(([field]) => isWanted(field)));
}
