/**
 * What can go wrong, as sentences that a person understands.
 *
 * @typedef {{pointer: string, message: string}} FieldError
 * @typedef {{field: string, base: any, yours: any, theirs: any,
 *            by: {id: string, name: string} | null, at: string}} FieldConflict
 */

const SESSION_ENDED = 'Your session has ended. Please sign in again.';

/** @type {Record<string, string>} */
const SENTENCES = {
  unauthorized: SESSION_ENDED,
  token_expired: SESSION_ENDED,
  invalid_token: SESSION_ENDED,
  invalid_refresh_token: SESSION_ENDED,
  forbidden: 'You are not allowed to do that.',
  order_forbidden: 'You may look at this order, but not change it like that.',
  not_found: 'This is no longer here, or no longer shared with you.',
  order_not_found: 'It is no longer here, or no longer shared with you.',
  order_changed: 'Someone else changed it a moment ago.',
  payload_too_large: 'That is more than can be sent at once.',
  invalid_request: 'Some of this is not right yet.',
  service_unavailable: 'Tandem is busy recovering. Please try again in a moment.',
  internal_error: 'Something went wrong on our side. Please try again.',
};

/** The server could not be reached, so nothing is known of what it did. */
export class Unreachable extends Error {
  constructor() {
    super('The server cannot be reached. Check your connection and try again.');
  }
}

/** An `application/problem+json` answer. `message` is a sentence for the reader. */
export class Problem extends Error {
  /** @param {number} status @param {Record<string, any>} body @param {number} retryAfter seconds */
  constructor(status, body, retryAfter) {
    super(sentence(status, body, retryAfter));
    this.status = status;
    /** @type {string} */
    this.code = body.code ?? 'unknown';
    /** @type {FieldError[]} */
    this.errors = body.errors ?? [];
    /** The order as it is now, with a 412. @type {any} */
    this.current = body.current ?? null;
    /** @type {FieldConflict[]} */
    this.conflicts = body.conflicts ?? [];
  }

  /** @param {Response} response */
  static async from(response) {
    const body = await response.json().catch(() => ({}));
    return new Problem(response.status, body, Number(response.headers.get('Retry-After')) || 0);
  }
}

/**
 * One that is cut short, or stalls after its headers, says as little as none.
 * @param {Response} response
 * @returns {Promise<any>}
 */
export function readJson(response) {
  return response.json().catch(() => {
    throw new Unreachable();
  });
}

/**
 * @param {unknown} error
 * @returns {string}
 */
export function sentenceOf(error) {
  if (error instanceof Problem || error instanceof Unreachable) return error.message;
  return 'Something unexpected happened. Please reload the page.';
}

/** @param {number} status @param {Record<string, any>} body @param {number} retryAfter */
function sentence(status, body, retryAfter) {
  if (status === 429) return tooMany(retryAfter);
  // The other codes stand for many cases, of which only the server's `detail` knows the one.
  return SENTENCES[body.code] ?? asSentence(body.detail) ?? SENTENCES.internal_error;
}

/** @param {number} seconds */
function tooMany(seconds) {
  const wait = seconds > 1 ? `${seconds} seconds` : 'a moment';
  return `That was a little too fast. Please wait ${wait} and try again.`;
}

/** @param {unknown} detail */
function asSentence(detail) {
  if (typeof detail !== 'string' || detail === '') return null;
  const text = detail[0].toUpperCase() + detail.slice(1);
  return /[.!?]$/.test(text) ? text : `${text}.`;
}
