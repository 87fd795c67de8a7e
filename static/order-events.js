/**
 * How the events of an order read as sentences.
 *
 * @typedef {import('./api.js').Order} Order
 * @typedef {import('./api.js').Person} Person
 *
 * @typedef {object} OrderEvent
 * @property {string} type
 * @property {string} id
 * @property {string} at
 * @property {Person | null} actor
 * @property {number} version
 * @property {Record<string, [any, any]>} changed
 * @property {Order} order
 * @property {Person} [collaborator]
 * @property {import('./api.js').Comment} [comment]
 */

import { STATUS_NAMES } from './status.js';

/**
 * @param {OrderEvent} event
 * @param {Order | undefined} known the order as it was before the event
 * @returns {string} such as "Sam moved order 1042 to Preparing"
 */
export function narrate(event, known) {
  const number = event.order.number ?? known?.number;
  const order = number === undefined ? 'an order' : `order ${number}`;
  return `${event.actor?.name ?? 'Tandem'} ${deed(event, order)}`;
}

/** @param {OrderEvent} event @param {string} order */
function deed(event, order) {
  const someone = event.collaborator?.name ?? 'someone';
  switch (event.type) {
    case 'order.created':
      return `placed ${order}`;
    case 'order.deleted':
      return `deleted ${order}`;
    case 'order.commented':
      return `commented on ${order}`;
    case 'order.shared':
      return `shared ${order} with ${someone}`;
    case 'order.unshared':
      return `stopped sharing ${order} with ${someone}`;
    default:
      return change(event.changed ?? {}, order);
  }
}

/** @param {Record<string, [any, any]>} changed @param {string} order */
function change(changed, order) {
  const status = changed.status?.[1];
  if (status === 'cancelled') return `cancelled ${order}`;
  if (status) return `moved ${order} to ${STATUS_NAMES[/** @type {Order['status']} */ (status)]}`;
  const fields = Object.keys(changed);
  if (fields.length > 0 && fields.every((field) => field === 'note')) {
    return `changed the note of ${order}`;
  }
  return fields.some((field) => field.startsWith('items'))
    ? `changed the items of ${order}`
    : `changed ${order}`;
}
