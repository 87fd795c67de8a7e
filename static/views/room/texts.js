import { valueOf } from '../../room/edits.js';
import { nameField, nameFields } from '../../room/sentences.js';
import { STATUS_NAMES } from '../../status.js';

/**
 * @typedef {import('../../api.js').Order} Order
 * @typedef {import('../../api.js').Person} Person
 * @typedef {import('../../order-events.js').OrderEvent} OrderEvent
 * @typedef {import('../../problems.js').Problem} Problem
 */

/** Sentences that the room says. */

/**
 * The subject of a sentence; who conflicts with themselves does so from another window.
 * @param {Person | null | undefined} person @param {Person} me
 */
export function nameOf(person, me) {
  return person?.id === me.id ? 'You, in another window,' : (person?.name ?? 'Someone');
}

export const NO_SUCH_ORDER = 'There is no such order, or you may not see it.';

/** @type {Record<import('../../room.js').End, string>} */
export const END_SENTENCES = {
  deleted: 'This order was deleted. It can no longer be changed.',
  revoked: 'This order is not shared with you any more. What you see is how it was.',
  missing: NO_SUCH_ORDER,
};

/** @param {Order} order */
export function closedSentence({ status }) {
  const now = STATUS_NAMES[status].toLowerCase();
  return `The order is ${now} now and can no longer be edited. Your edit was not saved.`;
}

/** @param {Order['status']} status */
export function movedSentence(status) {
  return `The order is ${STATUS_NAMES[status].toLowerCase()} now.`;
}

/**
 * @param {OrderEvent[]} events what others did meanwhile
 * @returns {string} '' when they changed nothing: a comment is no change
 */
export function mergedSentence(events) {
  const changes = events.filter(({ changed }) => Object.keys(changed ?? {}).length > 0);
  if (changes.length === 0) return '';
  const who = [...new Set(changes.map(({ actor }) => actor?.name ?? 'Someone'))].join(' and ');
  const fields = nameFields(Object.assign({}, ...changes.map(({ changed }) => changed)));
  return `Saved, and merged with ${who}’s change to ${fields}.`;
}

/**
 * Of an edit that failed after its order was closed.
 * @param {string} field @param {any} value what it was to be @param {Order} base
 * @param {boolean} isKept whether it is there again when the order is opened
 */
export function unsavedSentence(field, value, base, isKept) {
  const name = nameField(field, [value, valueOf(base, field)]);
  const edit = field === 'note' ? 'your note' : `your edit of ${name}`;
  return `${edit} was not saved${isKept ? '; the draft is kept' : ''}.`;
}

/** @param {Order} order as it was seen @param {Problem} problem @param {Person} me */
export function overtakenSentence(order, { current, conflicts }, me) {
  const by = conflicts[0]?.by;
  const who = nameOf(by, me);
  const was = by?.id === me.id ? 'were' : 'was';
  const now = STATUS_NAMES[/** @type {Order['status']} */ (current.status)].toLowerCase();
  return current.status === order.status
    ? `${who} changed the order at the same moment. Have a look, then try again.`
    : `${who} ${was} quicker: the order is ${now} now. Your change was not made.`;
}
