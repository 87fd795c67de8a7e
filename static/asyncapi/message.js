/** One message: what it is for, its fields, an example. */

import { el } from '../views/dom.js';
import { resolve } from './references.js';
import { schemaTable } from './schema-table.js';

/** @param {any} document @param {string} key @param {string} from who sends it */
export function message(document, key, from) {
  const found = document.components.messages[key];
  const example = found.examples[0].payload;
  return el(
    'details',
    { class: 'message', testid: `message-${found.name.replaceAll(' ', '-')}` },
    el(
      'summary',
      {},
      el('h3', {}, found.title),
      el('span', { class: 'from', data: { from } }, from),
      found['x-stands-at'] ? el('code', { class: 'where' }, found['x-stands-at']) : null,
    ),
    found.description ? el('p', {}, found.description) : null,
    schemaTable(document, found.payload),
    el('h4', {}, 'Example'),
    el('pre', { tabIndex: 0 }, el('code', {}, JSON.stringify(example, null, 2))),
  );
}

/**
 * The messages that an operation names, by key.
 * @param {any} document @param {any} operation
 * @returns {string[]}
 */
export function keysOf(document, operation) {
  return (operation.messages ?? []).map((/** @type {any} */ reference) => {
    const found = resolve(document, reference);
    const all = document.components.messages;
    return Object.keys(all).find((key) => all[key] === found);
  });
}
