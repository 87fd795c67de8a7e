import { Problem, sentenceOf } from '../../problems.js';
import { chosen, differing, isSame } from '../../room/edits.js';
import { askWhich } from './conflict.js';
import { overtakenSentence } from './texts.js';

/**
 * @typedef {import('../../api.js').Order} Order
 * @typedef {import('../../problems.js').FieldConflict} FieldConflict
 * @typedef {import('../../room.js').Room} Room
 * @typedef {import('../../room/edits.js').Edit} Edit
 */

/**
 * Save, and ask which version it should be as often as others are faster.
 * @param {Room} room @param {Edit} edit @param {Order} base
 * @returns {Promise<boolean>} false: back to editing
 */
export async function save(room, edit, base) {
  try {
    await room.save(edit, base);
    return true;
  } catch (error) {
    if (!(error instanceof Problem) || !error.current) throw error;
    const { conflicts, current } = error;
    const known = conflicts.map((conflict) => named(room, conflict, base));
    const choices = await ask(room, known, current);
    if (!choices) return false;
    const left = differing(current, chosen(edit, choices));
    return Object.keys(left).length === 0 || save(room, left, current);
  }
}

/**
 * Two moves of one order cannot both be: whoever is later is told.
 * @param {Room} room @param {Order['status']} status
 * @returns {Promise<string>} what went wrong, as a sentence
 */
export async function move(room, status) {
  const base = room.saving.confirmed;
  if (!base) return '';
  try {
    await room.save({ status }, base);
    return '';
  } catch (error) {
    const isOvertaken = error instanceof Problem && error.current;
    return isOvertaken ? overtakenSentence(base, error, room.user) : sentenceOf(error);
  }
}

/**
 * Whom the server does not name, the history that was read here may.
 * @param {Room} room @param {FieldConflict} conflict @param {Order} base
 * @returns {FieldConflict}
 */
function named({ timeline }, conflict, base) {
  const { field, theirs, by } = conflict;
  const event = by ? undefined : timeline.lastChange([field], base.version);
  if (!event || !isSame(event.changed[field][1], theirs)) return conflict;
  return { ...conflict, by: event.actor, at: event.at };
}

/**
 * Nothing to ask where others changed something else, and nobody who has left.
 * @param {Room} room @param {FieldConflict[]} conflicts @param {Order} current
 */
function ask(room, conflicts, current) {
  if (conflicts.length === 0) return {};
  return room.isLeft ? null : askWhich(conflicts, room.user, current.currency);
}
