/** The dashboard, to admins; to others the sentence that they may not see it. */

import { Dashboard } from './ops/dashboard.js';
import { message, present } from './page.js';
import { signOut } from './session.js';
import { el } from './views/dom.js';

/** @typedef {import('./api.js').User} User */

present((user, again) => {
  if (user.role !== 'admin') return refusal(user, again);
  return new Dashboard(user, { onSignedOut: again, onRightsChanged: () => again() });
});

/** @param {User} user @param {import('./page.js').Again} again */
function refusal({ name, role }, again) {
  const sentence = `You are signed in as ${name} (${role}). Only admins see how the servers are doing.`;
  const board = el('a', { class: 'button main', href: '/', testid: 'to-board' }, 'Go to the board');
  const click = () => {
    signOut();
    again();
  };
  const on = { click };
  const other = el('button', { class: 'link', type: 'button', on }, 'Sign in as someone else');
  return message('Operations is for admins', sentence, board, other);
}
