/**
 * Events of one order as a person would tell them.
 *
 * @typedef {import('../api.js').Item} Item
 * @typedef {import('../order-events.js').OrderEvent} OrderEvent
 */

import { formatMoney } from '../money.js';
import { STATUS_NAMES } from '../status.js';
import { skuOf } from './edits.js';

const and = new Intl.ListFormat('en', { type: 'conjunction' });

/** @param {string} status */
function statusName(status) {
  return STATUS_NAMES[/** @type {import('../api.js').Status} */ (status)].toLowerCase();
}

/** @param {OrderEvent} event @returns {string} such as "moved it from placed to accepted" */
export function deed(event) {
  const someone = event.collaborator?.name ?? 'someone';
  switch (event.type) {
    case 'order.created':
      return 'placed the order';
    case 'order.deleted':
      return 'deleted the order';
    case 'order.commented':
      return 'commented';
    case 'order.shared':
      return `shared it with ${someone}`;
    case 'order.unshared':
      return `stopped sharing it with ${someone}`;
    default:
      return and.format(changes(event)) || 'changed it';
  }
}

/** What was written, where something was. @param {OrderEvent} event @returns {string} */
export function quote(event) {
  return event.comment?.text ?? event.changed?.note?.[1] ?? '';
}

/** @param {Record<string, any>} changed @returns {string} such as "the note and Chai" */
export function nameFields(changed) {
  return and.format(Object.entries(changed).map(([field, values]) => nameField(field, values)));
}

/** @param {string} field @param {any[]} values in which the name of a line may stand */
export function nameField(field, values) {
  if (skuOf(field) === null) return field === 'note' ? 'the note' : `the ${field}`;
  return values.find((line) => line?.name)?.name ?? skuOf(field);
}

/** @param {OrderEvent} event @returns {string[]} */
function changes({ changed = {}, order }) {
  return Object.entries(changed).map(([field, [before, after]]) => {
    if (field === 'status') return moved(before, after);
    if (field === 'note') return noted(before, after);
    return skuOf(field) === null ? `changed ${field}` : changedLine(before, after, order.currency);
  });
}

/** @param {string} before @param {string} after */
function moved(before, after) {
  if (after === 'cancelled') return 'cancelled the order';
  return `moved it from ${statusName(before)} to ${statusName(after)}`;
}

/** @param {string | null} before @param {string | null} after */
function noted(before, after) {
  if (!after) return 'removed the note';
  return before ? 'changed the note' : 'added a note';
}

/** @param {Item | null} before @param {Item | null} after @param {string} currency */
function changedLine(before, after, currency) {
  if (!before && !after) return 'changed the items';
  if (!before) return added(/** @type {Item} */ (after), currency);
  if (!after) return `removed ${before.name}`;
  const parts = [];
  if (before.quantity !== after.quantity) parts.push(`${before.quantity} → ${after.quantity}`);
  if (before.unit_price !== after.unit_price) parts.push(price(before, after, currency));
  if (before.name !== after.name) parts.push(`now called ${after.name}`);
  return `changed ${before.name}: ${parts.join(', ')}`;
}

/** @param {Item} item @param {string} currency */
function added({ name, quantity, unit_price: price }, currency) {
  return `added ${quantity} × ${name} at ${formatMoney(price, currency)}`;
}

/** @param {Item} before @param {Item} after @param {string} currency */
function price(before, after, currency) {
  return [before, after].map((item) => formatMoney(item.unit_price, currency)).join(' → ');
}
