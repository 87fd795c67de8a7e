/**
 * Who is signed in, shared by all tabs of this browser through localStorage.
 *
 * @typedef {object} Session
 * @property {string} access
 * @property {string} refresh
 * @property {number} expiresAt milliseconds since 1970, by this browser's clock
 *
 * @typedef {{access_token: string, refresh_token: string, expires_in: number}} Answer
 */

import { Problem, readJson, Unreachable } from './problems.js';

const KEY = 'tandem.session';
const TOKEN_URL = '/api/v1/auth/token';
const REFRESH_URL = '/api/v1/auth/refresh';
const LOGOUT_URL = '/api/v1/auth/logout';
const REFUSED = ['invalid_refresh_token', 'invalid_request'];

/** A token is replaced a little before it ends, so that no request runs into a 401. */
const EARLY = 10_000;
const TIMEOUT = 15_000;
/**
 * How long to wait for the answer to a refresh before the next try. It may be lost after the server
 * has renewed the session; for ten seconds from then the server gives the same again. The last try
 * is made well within them, and waits as long as any other request.
 */
const SHORT_TIMEOUTS = [3000, 3000];

/**
 * The user for whom this tab acts. Another tab may sign in as somebody else at any moment; until
 * this one shows that person, it does nothing in their name.
 */
let user = ownerOf(readStored()?.access);

/** @type {Promise<string | null> | null} */
let refreshing = null;

/** @returns {Session | null} null: nobody is signed in, or it is not whom this tab acts for */
export function readSession() {
  const session = readStored();
  return session && ownerOf(session.access) === user ? session : null;
}

/** @returns {string | null} the id of the user for whom this tab acts */
export function actingUser() {
  return user;
}

/**
 * From now on this tab acts for whoever is signed in.
 * @returns {boolean} whether anybody is
 */
export function adoptSession() {
  user = ownerOf(readStored()?.access);
  return user !== null;
}

/**
 * Call back when another tab has signed out, or in as somebody else than this one acts for.
 * @param {() => void} callback
 */
export function onSessionChange(callback) {
  window.addEventListener('storage', (event) => {
    if (event.key !== KEY && event.key !== null) return;
    if (ownerOf(readStored()?.access) !== user) callback();
  });
}

/** @returns {Session | null} whoever's it is */
function readStored() {
  try {
    return JSON.parse(localStorage.getItem(KEY) ?? 'null');
  } catch {
    return null;
  }
}

/** @param {string} [token] an access token @returns {string | null} the id of its user */
function ownerOf(token = '') {
  try {
    const [, claims] = token.split('.');
    return JSON.parse(atob(claims.replaceAll('-', '+').replaceAll('_', '/'))).sub;
  } catch {
    return null;
  }
}

/**
 * @param {string} email
 * @param {string} password
 */
export async function signIn(email, password) {
  const form = new URLSearchParams({ grant_type: 'password', username: email, password });
  keep(await post(TOKEN_URL, { body: form }));
  adoptSession();
}

/** End the session here, at once; on the server when it is told, or else when it expires. */
export function signOut() {
  const session = readSession();
  forget();
  if (session) tellOfEnd(session).catch(() => {});
}

/** Nobody waits for it, and the page may be closed meanwhile. @param {Session} session */
async function tellOfEnd(session) {
  const isFresh = isUsable(session, null);
  const { access, refresh } = isFresh ? session : sessionOf(await postRefresh(session.refresh));
  const headers = { 'Content-Type': 'application/json', Authorization: `Bearer ${access}` };
  const body = JSON.stringify({ refresh_token: refresh });
  await post(LOGOUT_URL, { headers, body, keepalive: true });
}

/** Drop a session that the server no longer accepts; not one that somebody else has by now. */
export function forget() {
  if (readSession()) localStorage.removeItem(KEY);
}

/**
 * An access token other than `spent`, which the server refused or soon will, of the same user.
 * @param {string | null} [spent]
 * @returns {Promise<string | null>} null: they are not signed in (any more)
 * @throws {Unreachable | Problem} when the server cannot be asked at the moment
 */
export async function accessToken(spent = null) {
  const session = readSession();
  if (!session || (spent && !isOfSameUser(spent, session.access))) return null;
  if (isUsable(session, spent)) return session.access;
  refreshing ??= alone(() => refresh(spent)).finally(() => {
    refreshing = null;
  });
  const token = await refreshing;
  return token && isOfSameUser(token, session.access) ? token : null;
}

/** @param {string} token @param {string} other */
function isOfSameUser(token, other) {
  return ownerOf(token) === ownerOf(other);
}

/** @param {Session} session @param {string | null} spent */
function isUsable(session, spent) {
  return session.access !== spent && session.expiresAt > Date.now();
}

/**
 * One tab at a time: the first refreshes, the others find the new token when their turn comes.
 * Where the browser has no locks (plain http on another host), the server's grace for a repeated
 * refresh keeps two tabs from signing each other out.
 * @param {() => Promise<string | null>} task
 * @returns {Promise<string | null>}
 */
async function alone(task) {
  return navigator.locks ? navigator.locks.request(KEY, task) : task();
}

/** @param {string | null} spent @returns {Promise<string | null>} */
async function refresh(spent) {
  const session = readSession();
  if (!session) return null;
  if (isUsable(session, spent)) return session.access;
  const answer = await renew(session.refresh);
  // Somebody has signed out meanwhile, or in; or a tab that could not wait had the same answer.
  const present = readSession();
  if (present?.refresh !== session.refresh) return present?.access ?? null;
  if (answer) return keep(answer).access;
  forget();
  return null;
}

/**
 * Only the server itself can say that a token is worth nothing any more. Another refusal may be that
 * of a proxy: it says no more than silence.
 * @param {string} token a refresh token
 * @returns {Promise<any>} null: it is refused
 */
async function renew(token) {
  try {
    return await postRefresh(token);
  } catch (error) {
    if (!(error instanceof Problem) || error.status >= 500 || error.status === 429) throw error;
    if (REFUSED.includes(error.code)) return null;
    throw new Unreachable();
  }
}

/** Again and again where no answer comes. @param {string} token */
async function postRefresh(token) {
  const headers = { 'Content-Type': 'application/json' };
  const body = JSON.stringify({ refresh_token: token });
  for (const timeout of SHORT_TIMEOUTS) {
    try {
      return await post(REFRESH_URL, { headers, body }, timeout);
    } catch (error) {
      if (!(error instanceof Unreachable)) throw error;
    }
  }
  return post(REFRESH_URL, { headers, body });
}

/** @param {Answer} answer */
function keep(answer) {
  const session = sessionOf(answer);
  localStorage.setItem(KEY, JSON.stringify(session));
  return session;
}

/** @param {Answer} answer @returns {Session} */
function sessionOf(answer) {
  const lifetime = answer.expires_in * 1000;
  return {
    access: answer.access_token,
    refresh: answer.refresh_token,
    expiresAt: Date.now() + lifetime - Math.min(EARLY, lifetime / 10),
  };
}

/** @param {string} url @param {RequestInit} init @param {number} [timeout] */
async function post(url, init, timeout = TIMEOUT) {
  const signal = AbortSignal.timeout(timeout);
  const response = await fetch(url, { method: 'POST', signal, ...init }).catch(() => {
    throw new Unreachable();
  });
  if (!response.ok) throw await Problem.from(response);
  return response.status === 204 ? null : readJson(response);
}
