/** Decides between the sign-in page, the dashboard and the sentence for those who may not see it. */

import { readDemo, readMe } from './api.js';
import { Dashboard } from './ops/dashboard.js';
import { sentenceOf } from './problems.js';
import { onSessionChange, readSession, signIn, signOut } from './session.js';
import { el } from './views/dom.js';
import { SignInView } from './views/sign-in.js';

/** @typedef {import('./api.js').User} User */

const root = /** @type {HTMLElement} */ (document.getElementById('app'));

/** How often to try again by oneself when the server cannot be asked who this is. */
const PAUSE = 5000;

const ROLES = { admin: 'admin', staff: 'staff', customer: 'customer' };

/** @type {Dashboard | null} */
let dashboard = null;
/** @type {any} */
let retryTimer = null;

/** Raised by each start, so that one overtaken by another shows nothing. */
let starts = 0;

/** Show what fits whoever is signed in, if anybody is. */
async function start(reason = '') {
  const turn = ++starts;
  clearTimeout(retryTimer);
  dashboard?.close();
  dashboard = null;
  if (!readSession()) return showSignIn(reason);
  try {
    const user = await readMe();
    if (turn === starts) show(user);
  } catch (error) {
    if (turn !== starts) return;
    if (readSession()) showUnavailable(sentenceOf(error));
    else showSignIn(sentenceOf(error));
  }
}

/** @param {User} user */
function show(user) {
  if (user.role !== 'admin') return showRefusal(user);
  dashboard = new Dashboard(user, { onSignedOut: start, onRightsChanged: () => start() });
  root.replaceChildren(dashboard.node);
  dashboard.open();
}

/** @param {User} user */
function showRefusal({ name, role }) {
  const sentence = `You are signed in as ${name} (${ROLES[role]}). Only admins see how the servers are doing.`;
  const board = el('a', { class: 'button main', href: '/', testid: 'to-board' }, 'Go to the board');
  const on = { click: () => signOut().then(() => start()) };
  const other = el('button', { class: 'link', type: 'button', on }, 'Sign in as someone else');
  showMessage('Operations is for admins', sentence, board, other);
}

/** @param {string} reason */
async function showSignIn(reason) {
  const view = new SignInView(async (email, password) => {
    await signIn(email, password);
    await start();
  });
  view.explain(reason);
  root.replaceChildren(view.node);
  const demo = await readDemo();
  if (demo) view.offer(demo);
}

/** @param {string} sentence */
function showUnavailable(sentence) {
  retryTimer = setTimeout(start, PAUSE);
  const on = { click: () => start() };
  const retry = el('button', { class: 'button main', type: 'button', on }, 'Try again');
  showMessage('Not available', sentence, retry);
}

/** @param {string} title @param {string} sentence @param {...HTMLElement} actions */
function showMessage(title, sentence, ...actions) {
  const heading = el('h1', { class: 'message-title' }, title);
  const text = el('p', { role: 'alert', testid: 'message' }, sentence);
  root.replaceChildren(el('main', { class: 'failure unavailable' }, heading, text, ...actions));
}

onSessionChange((session) => {
  if (!session && dashboard) start('You have been signed out.');
  else if (!dashboard) start();
});

start();
