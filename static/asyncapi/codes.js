/** The codes of errors, closes and unsubscribes: what they say and what a client then does. */

import { el } from '../views/dom.js';

const KINDS = [
  { id: 'error-codes', title: 'Errors of a command', then: 'temporary', yes: 'try again', no: '' },
  {
    id: 'close-codes',
    title: 'Closes of a connection',
    then: 'reconnect',
    yes: 'connect again',
    no: 'stay away',
  },
  {
    id: 'unsubscribe-codes',
    title: 'Ends of a subscription',
    then: 'resubscribe',
    yes: 'subscribe again',
    no: 'final',
  },
];

/** @param {any} document */
export function codes(document) {
  return KINDS.map(({ id, title, then, yes, no }) => {
    const rows = document[`x-${id}`].map((/** @type {any} */ each) =>
      row(each, each[then] ? yes : no),
    );
    const table = el('table', { class: 'codes' }, el('tbody', {}, ...rows));
    return el('section', { id }, el('h2', {}, title), el('div', { class: 'scroll' }, table));
  });
}

/** The sections, for the sidebar. */
export const CODE_SECTIONS = KINDS.map(({ id, title }) => ({ id, title }));

/** @param {{code: number, message: string, meaning: string}} each @param {string} then */
function row({ code, message, meaning }, then) {
  return el(
    'tr',
    {},
    el('td', {}, el('code', {}, String(code))),
    el('td', {}, message),
    el('td', {}, meaning, then ? el('span', { class: 'then' }, then) : null),
  );
}
