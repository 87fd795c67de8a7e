/** The dashboard, to admins; to others the sentence that they may not see it. */

import { Dashboard } from './ops/dashboard.js';
import { message, present } from './page.js';
import { el } from './views/dom.js';

/** @typedef {import('./api.js').User} User */

present((user, again, leave) => {
  if (user.role !== 'admin') return refusal(user, leave);
  const onRightsChanged = () => again();
  return new Dashboard(user, { onSignedOut: again, onSignOut: leave, onRightsChanged });
});

/** @param {User} user @param {import('./page.js').Leave} leave */
function refusal({ name, role }, leave) {
  const sentence = `You are signed in as ${name} (${role}). Only admins see how the servers are doing.`;
  const board = el('a', { class: 'button main', href: '/', testid: 'to-board' }, 'Go to the board');
  const on = { click: leave };
  const other = el('button', { class: 'link', type: 'button', on }, 'Sign in as someone else');
  return message('Operations is for admins', sentence, board, other);
}
