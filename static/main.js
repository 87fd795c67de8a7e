/** Decides between the sign-in page and the board, and swaps them. */

import { readDemo, readMe } from './api.js';
import { Board } from './board.js';
import { sentenceOf } from './problems.js';
import { onSessionChange, readSession, signIn } from './session.js';
import { el, setText } from './views/dom.js';
import { Notices } from './views/notices.js';
import { SignInView } from './views/sign-in.js';

const root = /** @type {HTMLElement} */ (document.getElementById('app'));
const notices = new Notices();

/** How often to try again by oneself when the server cannot be asked who this is. */
const PAUSE = 5000;

/** @type {Board | null} */
let board = null;
/** @type {any} */
let retryTimer = null;

/** Raised by each start, so that one overtaken by another shows nothing. */
let starts = 0;

/** Show what fits: the board to someone who is signed in, else the sign-in page. */
async function start(reason = '') {
  const turn = ++starts;
  clearTimeout(retryTimer);
  board?.close();
  board = null;
  if (!readSession()) return showSignIn(reason);
  try {
    const user = await readMe();
    if (turn === starts) showBoard(user);
  } catch (error) {
    if (turn !== starts) return;
    if (readSession()) showUnavailable(sentenceOf(error));
    else showSignIn(sentenceOf(error));
  }
}

/** @param {import('./api.js').User} user */
function showBoard(user) {
  board = new Board(user, { notices, onSignedOut: start });
  root.replaceChildren(board.node);
  board.open();
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
  const shown = root.querySelector('.unavailable p');
  if (shown) return setText(shown, sentence);
  const on = { click: () => start() };
  const retry = el('button', { class: 'button main', type: 'button', on }, 'Try again');
  const text = el('p', { role: 'alert' }, sentence);
  root.replaceChildren(el('main', { class: 'failure unavailable' }, text, retry));
}

onSessionChange((session) => {
  if (!session && board) start('You have been signed out.');
  else if (session && !board) start();
});

document.body.append(notices.node);
start();
