/**
 * What a page shows: its own view to whoever is signed in, else the way to sign in.
 *
 * @typedef {import('./api.js').User} User
 * @typedef {{node: HTMLElement, open?: () => void, close?: () => void}} View
 * @typedef {(reason?: string) => void} Again shows anew what fits; `reason` explains the sign-in
 * @typedef {() => void} Leave signs out, as the person wishes
 */

import { readDemo, readMe } from './api.js';
import { sentenceOf } from './problems.js';
import { forgetDrafts } from './room/drafts.js';
import { adoptSession, onSessionChange, readSession, signIn, signOut } from './session.js';
import { el, setText } from './views/dom.js';
import { SignInView } from './views/sign-in.js';

/** How often to try again by oneself when the server cannot be asked who this is. */
const PAUSE = 5000;

const root = /** @type {HTMLElement} */ (document.getElementById('app'));

/** @param {(user: User, again: Again, leave: Leave) => View} viewFor makes what a user is to see */
export function present(viewFor) {
  /** @type {View | null} */
  let view = null;
  /** @type {any} */
  let timer = null;
  // Raised by each start, so that one overtaken by another shows nothing.
  let starts = 0;

  async function start(reason = '') {
    const turn = ++starts;
    clearTimeout(timer);
    close();
    if (!adoptSession()) return showSignIn(start, reason);
    try {
      const user = await readMe();
      if (turn === starts) show(viewFor(user, start, leave));
    } catch (error) {
      if (turn !== starts) return;
      if (!readSession()) return showSignIn(start, sentenceOf(error));
      timer = setTimeout(start, PAUSE);
      showUnavailable(start, sentenceOf(error));
    }
  }

  function leave() {
    close();
    forgetDrafts();
    signOut();
    start();
  }

  function close() {
    view?.close?.();
    view = null;
  }

  /** @param {View} shown */
  function show(shown) {
    view = shown;
    root.replaceChildren(shown.node);
    shown.open?.();
  }

  onSessionChange(() => start('You have been signed out.'));
  start();
}

/** @param {Again} start @param {string} reason */
async function showSignIn(start, reason) {
  const view = new SignInView(async (email, password) => {
    await signIn(email, password);
    await start();
  });
  view.explain(reason);
  root.replaceChildren(view.node);
  const demo = await readDemo();
  if (demo) view.offer(demo);
}

/** @param {Again} start @param {string} sentence */
function showUnavailable(start, sentence) {
  const shown = root.querySelector('.unavailable p');
  if (shown) return setText(shown, sentence);
  const on = { click: () => start() };
  const retry = el('button', { class: 'button main', type: 'button', on }, 'Try again');
  root.replaceChildren(message('Not available', sentence, retry).node);
}

/**
 * A page of a few words.
 * @param {string} title
 * @param {string} sentence
 * @param {...HTMLElement} actions
 * @returns {View}
 */
export function message(title, sentence, ...actions) {
  const heading = el('h1', { class: 'message-title' }, title);
  const text = el('p', { role: 'alert', testid: 'message' }, sentence);
  return { node: el('main', { class: 'failure unavailable' }, heading, text, ...actions) };
}
