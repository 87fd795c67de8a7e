import { el } from '../dom.js';
import { initials } from '../text.js';

/** @typedef {import('../../api.js').Person} Person */

/**
 * A colour of one's own, the same on every screen. Ids of one moment begin alike, so all of it
 * counts (FNV-1a).
 * @param {string} id
 * @returns {number} degrees
 */
export function hueOf(id) {
  let hash = 0x811c9dc5;
  for (const letter of id) hash = Math.imul(hash ^ letter.charCodeAt(0), 0x01000193);
  return (hash >>> 0) % 360;
}

/** @param {HTMLElement} node @param {Person | null} person */
export function colour(node, person) {
  node.classList.toggle('of-person', person !== null);
  if (person) node.style.setProperty('--hue', String(hueOf(person.id)));
}

/** Beside the name, hence nothing to be read out. @param {Person | null} person */
export function avatar(person) {
  const name = person?.name ?? 'Tandem';
  const node = el('span', { class: 'avatar', 'aria-hidden': 'true' }, initials(name));
  colour(node, person);
  return node;
}
