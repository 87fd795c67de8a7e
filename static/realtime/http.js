/**
 * REST with an access token. A request that a token was too old for is sent once more with
 * another one.
 */

import { Unreachable } from '../problems.js';

/** A request that hangs must not keep anybody waiting for ever. */
const TIMEOUT = 15_000;

/**
 * @typedef {(spent: string | null) => Promise<string | null>} GetToken see `connection.js`
 * @typedef {(url: string, init: RequestInit) => Promise<Response>} Fetch
 */

/**
 * Whatever the answer's status is, it is answered; only silence rejects, with Unreachable. Its body
 * is yet to come: `readJson`.
 * @param {{getToken: GetToken, fetch?: Fetch}} options
 * @returns {(url: string, init?: RequestInit) => Promise<Response>}
 */
export function authorized({ getToken, fetch = (url, init) => globalThis.fetch(url, init) }) {
  return async (url, init = {}) => {
    const token = await getToken(null);
    const response = await send(fetch, url, init, token);
    if (response.status !== 401) return response;
    // Ended early: by the server's clock, or because its key was changed.
    const other = await getToken(token);
    return other ? send(fetch, url, init, other) : response;
  };
}

/**
 * @param {Fetch} fetch
 * @param {string} url
 * @param {RequestInit} init
 * @param {string | null} token
 */
function send(fetch, url, init, token) {
  const headers = new Headers(init.headers);
  if (token) headers.set('Authorization', `Bearer ${token}`);
  const timeout = AbortSignal.timeout(TIMEOUT);
  const signal = init.signal ? AbortSignal.any([init.signal, timeout]) : timeout;
  return fetch(url, { ...init, signal, headers }).catch(() => {
    throw new Unreachable();
  });
}
