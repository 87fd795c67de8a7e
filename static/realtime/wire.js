/**
 * The JSON flavour of the Centrifuge client protocol, as far as a browser needs it. No I/O here.
 *
 * @typedef {{code: number, message: string, temporary?: boolean}} ReplyError
 * @typedef {{epoch: string, offset: number}} Position where a subscriber stands in a channel's log
 * @typedef {Record<string, any>} Json
 */

/** Unsubscribe pushes from this code on ask the client to subscribe again. */
export const RESUBSCRIBE_FROM = 2500;
export const STATE_INVALIDATED = 2502;

export const CONNECTION_EXPIRED = 3005;
export const CONNECTION_STATE_INVALIDATED = 3014;

export const ALREADY_SUBSCRIBED = 105;
export const TOKEN_EXPIRED = 109;

/**
 * A position that no server can recover, so that it answers `recovered: false`.
 * @type {Position}
 */
export const NOWHERE = Object.freeze({ epoch: '_', offset: 0 });

/**
 * One WebSocket message holds one or more JSON documents, a line each.
 * @param {string} text
 * @returns {Json[]}
 */
export function decode(text) {
  return text
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => JSON.parse(line));
}

/**
 * @param {Json[]} commands
 * @returns {string}
 */
export function encode(commands) {
  return commands.map((command) => JSON.stringify(command)).join('\n');
}

/**
 * Whether reconnecting after this close code is pointless. 1009 (message too big) is among them
 * because the same message would only be sent again.
 * @param {number} code
 */
export function isTerminalClose(code) {
  return code === 1009 || (code >= 3500 && code < 4000) || (code >= 4500 && code < 5000);
}

/**
 * Whether the same command may succeed a little later.
 * @param {ReplyError} error
 */
export function isWorthRetrying(error) {
  return error.code < 100 || error.temporary === true || error.code === TOKEN_EXPIRED;
}
