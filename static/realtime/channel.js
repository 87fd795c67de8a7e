import { NOWHERE } from './wire.js';

/**
 * @typedef {import('./wire.js').Json} Json
 * @typedef {import('./wire.js').Position} Position
 * @typedef {{data: any, offset?: number, info?: Json, receivedAt: number}} Publication
 *   `receivedAt`: milliseconds since 1970, taken before the message was parsed
 */

/**
 * A channel that this client follows, by its own wish or because the server subscribed it.
 *
 * Events (CustomEvent):
 * - `publication` detail {@link Publication}: in order, each once, none missing
 * - `subscribed`  detail `{recovered: boolean}`
 * - `gap`         the log cannot fill what was missed: read the state again, then go on
 * - `unsubscribed` detail `{code, reason}`: the server ended it for good, or refused it
 * - `join`, `leave` detail ClientInfo
 */
export class Channel extends EventTarget {
  /** Subscribed by the server at connect, hence never by a command of ours. */
  serverSide = false;
  /** How many asked for it to be subscribed. */
  followers = 0;
  /** @type {'idle' | 'subscribing' | 'subscribed' | 'ended'} */
  state = 'idle';
  /** @type {Position | null} null: not known yet, or a channel whose events carry no offset */
  position = null;
  /** Raised by each try, so that the reply to an older one can be told apart and ignored. */
  attempt = 0;
  /** Not confirmed by the server yet. */
  isNew = true;
  /** Whether to be told who comes and goes. */
  joinLeave = false;

  /** @param {string} name */
  constructor(name) {
    super();
    this.name = name;
  }

  /** What a subscribe command, or `connect.subs`, says of this channel. @returns {Json} */
  recovery() {
    const position = this.position ? { recover: true, ...this.position } : {};
    return this.joinLeave ? { ...position, join_leave: true } : position;
  }

  /** Give the position up: the next subscribe is answered with `recovered: false`. */
  invalidate() {
    if (this.position) this.position = NOWHERE;
  }

  /**
   * Take a subscribe result (the reply, or an entry of the connect reply).
   * @param {Json} result
   * @param {number} receivedAt
   * @returns {boolean} false when its own publications do not follow each other
   */
  establish(result, receivedAt) {
    const recovered = Boolean(result.recovered);
    const missed = Boolean(result.was_recovering) && !recovered;
    this.state = 'subscribed';
    this.isNew = false;
    this.position = result.recoverable
      ? { epoch: result.epoch ?? '', offset: result.offset ?? 0 }
      : null;
    this.#emit('subscribed', { recovered });
    if (missed) this.#emit('gap');
    const publications = /** @type {Json[]} */ (result.publications ?? []);
    return publications.every((publication) => this.publish(publication, receivedAt));
  }

  /**
   * Pass one publication on, if it is the next one. One that was seen already is dropped.
   * @param {Json} publication
   * @param {number} receivedAt
   * @returns {boolean} false: something before it is missing
   */
  publish({ data, offset, info }, receivedAt) {
    // After a hole the rest of what the server still sends belongs to the old subscription.
    if (this.state !== 'subscribed') return true;
    if (offset && this.position) {
      if (offset <= this.position.offset) return true;
      if (offset !== this.position.offset + 1) return false;
      this.position = { epoch: this.position.epoch, offset };
    }
    this.#emit('publication', { data, offset, info, receivedAt });
    return true;
  }

  /** @param {'join' | 'leave'} type @param {Json} info ClientInfo */
  meet(type, info) {
    this.#emit(type, info);
  }

  /** @param {number} code @param {string} reason */
  end(code, reason) {
    this.state = 'ended';
    this.#emit('unsubscribed', { code, reason });
  }

  /** @param {string} type @param {any} [detail] */
  #emit(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}
