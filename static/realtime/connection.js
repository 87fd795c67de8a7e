import { Backoff } from './backoff.js';
import { Link } from './link.js';
import * as wire from './wire.js';

/**
 * @typedef {import('./wire.js').Json} Json
 * @typedef {import('./wire.js').ReplyError} ReplyError
 * @typedef {import('./link.js').OnReply} OnReply
 * @typedef {import('./link.js').Closed} Closed
 *
 * @typedef {object} Options
 * @property {string} url where the socket is, relative to the page
 * @property {(spent: string | null) => Promise<string | null>} getToken answers an access token
 *   other than `spent` (one that expired, or soon will); null when nobody is signed in; rejects
 *   when that cannot be found out at the moment
 * @property {string} [name] what the server's log calls this client
 * @property {(url: string) => WebSocket} [openSocket] for tests
 *
 * @typedef {object} Handlers
 * @property {() => Json} recovery what `connect.subs` says
 * @property {(result: Json) => void} onUp the connect reply
 * @property {(closed: Closed) => void} onDown a connection that was up is gone
 * @property {(channel: string, push: Json, receivedAt: number) => void} onPush
 * @property {() => void} onPhase
 * @property {(closed: Closed) => void} onEnd there will be no further try
 */

const NAME = 'tandem-js';
const VERSION = '1.0.0';
/** The server's pings come on schedule; this much later than the next one, the link is dead. */
const PING_GRACE = 10_000;
/** A handshake that nobody answers would otherwise hang for as long as the system's TCP does. */
const OPENING_TIMEOUT = 10_000;
/** Only a connection that lasted starts the backoff anew, or a server that accepts and then
 * closes would be called several times a second. */
const PROVEN = 5_000;
/** The longest delay that setTimeout can hold. */
const LONGEST_TIMER = 2 ** 31 - 1;
/** How a document tells that somebody looks at it again, or that it is no longer frozen. */
const AWAKE = ['visibilitychange', 'resume'];

/** Keeps one {@link Link} up: tokens, reconnecting, the browser's offline and online. */
export class Connection {
  #options;
  #handlers;
  #backoff = new Backoff({ minimum: 300, maximum: 20_000 });
  /** @type {Link | null} */
  #link = null;
  #isUp = false;
  #isWanted = false;
  #isOffline = false;
  #upSince = 0;
  /** Raised by each try, so that what an older one still awaits can be dropped. */
  #round = 0;
  /** @type {string | null} */
  #token = null;
  /** @type {string | null} the token that the server called expired */
  #spent = null;
  /** @type {any} */
  #retryTimer = null;
  /** @type {any} */
  #refreshTimer = null;

  /** @param {Options} options @param {Handlers} handlers */
  constructor(options, handlers) {
    this.#options = options;
    this.#handlers = handlers;
    globalThis.addEventListener?.('offline', this.#goOffline);
    globalThis.addEventListener?.('online', this.#goOnline);
    globalThis.addEventListener?.('pageshow', this.#hurry);
    for (const type of AWAKE) globalThis.document?.addEventListener(type, this.#hurry);
  }

  /** @returns {'up' | 'trying' | 'down'} */
  get phase() {
    if (this.#isUp) return 'up';
    return this.#isWanted && !this.#isOffline ? 'trying' : 'down';
  }

  connect() {
    if (this.#isWanted) return;
    this.#isWanted = true;
    this.#backoff.reset();
    this.#open();
  }

  /** @param {string} reason */
  disconnect(reason) {
    this.#isWanted = false;
    this.#drop({ code: 1000, reason });
  }

  /** Let go of the page's events too. */
  dispose() {
    this.disconnect('disposed');
    globalThis.removeEventListener?.('offline', this.#goOffline);
    globalThis.removeEventListener?.('online', this.#goOnline);
    globalThis.removeEventListener?.('pageshow', this.#hurry);
    for (const type of AWAKE) globalThis.document?.removeEventListener(type, this.#hurry);
  }

  /** Close what there is and connect again, with recovery. @param {string} reason */
  restart(reason) {
    this.#lose({ code: 1000, reason });
  }

  /** @param {Json} command @param {OnReply} [onReply] */
  request(command, onReply = () => {}) {
    if (this.#link && this.#isUp) this.#link.request(command, onReply);
    else onReply({ code: 3, message: 'not connected', temporary: true }, {});
  }

  async #open() {
    const round = ++this.#round;
    clearTimeout(this.#retryTimer);
    this.#retryTimer = null;
    this.#handlers.onPhase();
    const token = await this.#askToken(this.#spent);
    if (round !== this.#round) return;
    if (token === null) return this.#terminate({ code: 0, reason: 'nobody is signed in' });
    if (token === undefined) return this.#retryLater();
    this.#token = token;
    this.#link = this.#makeLink(token);
  }

  /**
   * @param {string | null} spent
   * @returns {Promise<string | null | undefined>} undefined: not now
   */
  #askToken(spent) {
    return this.#options.getToken(spent).catch(() => undefined);
  }

  /** @param {string} token */
  #makeLink(token) {
    const address = new URL(this.#options.url, globalThis.location?.href);
    address.protocol = address.protocol.replace('http', 'ws');
    const { openSocket = (url) => new WebSocket(url) } = this.#options;
    /** @type {Link} */
    const link = new Link(openSocket(address.href), {
      onOpen: () => this.#introduce(link, token),
      onPush: this.#handlers.onPush,
      onClose: (closed) => link === this.#link && this.#lose(closed),
    });
    setTimeout(() => {
      if (link === this.#link && !this.#isUp) link.close('opening took too long');
    }, OPENING_TIMEOUT);
    return link;
  }

  /** @param {Link} link @param {string} token */
  #introduce(link, token) {
    const { name = NAME } = this.#options;
    const connect = { token, name, version: VERSION, subs: this.#handlers.recovery() };
    link.request({ connect }, (error, result) => {
      if (link !== this.#link) return;
      if (error) this.#refused(error);
      else this.#accept(link, result);
    });
  }

  /** @param {Link} link @param {Json} result */
  #accept(link, result) {
    this.#isUp = true;
    this.#upSince = Date.now();
    this.#spent = null;
    if (result.ping) link.watch(result.ping * 1000 + PING_GRACE, Boolean(result.pong));
    if (result.expires) this.#refreshBefore(result.ttl ?? 0);
    this.#handlers.onUp(result);
  }

  /** @param {ReplyError} error */
  #refused(error) {
    if (error.code === wire.TOKEN_EXPIRED) this.#spent = this.#token;
    if (wire.isWorthRetrying(error)) this.#lose({ code: 1000, reason: error.message });
    else this.#terminate({ code: error.code, reason: error.message });
  }

  /** @param {number} ttl seconds */
  #refreshBefore(ttl) {
    // A fifth of its life before the end, but not more than half a minute.
    this.#refreshIn(ttl * 1000 - Math.min(ttl * 200, 30_000));
  }

  /** @param {number} delay milliseconds */
  #refreshIn(delay) {
    clearTimeout(this.#refreshTimer);
    this.#refreshTimer = setTimeout(() => this.#refresh(), Math.min(delay, LONGEST_TIMER));
  }

  async #refresh() {
    const link = this.#link;
    const token = await this.#askToken(this.#token);
    if (!link || link !== this.#link) return;
    if (token === null) return this.#terminate({ code: 0, reason: 'nobody is signed in' });
    // Until one can be had the old connection goes on; the server closes it when it must.
    if (token === undefined) return this.#refreshIn(2000);
    link.request({ refresh: { token } }, (error, result) => {
      if (link !== this.#link) return;
      if (error) return this.#lose({ code: 1000, reason: error.message });
      this.#token = token;
      if (result.expires) this.#refreshBefore(result.ttl ?? 0);
    });
  }

  /** The link is gone, or is to go. @param {Closed} closed */
  #lose(closed) {
    if (wire.isTerminalClose(closed.code)) return this.#terminate(closed);
    const { CONNECTION_EXPIRED: expired, CONNECTION_STATE_INVALIDATED: invalidated } = wire;
    if (closed.code === expired || closed.code === invalidated) this.#spent = this.#token;
    this.#drop(closed);
    if (this.#isWanted && !this.#isOffline) this.#retryLater();
  }

  /** @param {Closed} closed */
  #terminate(closed) {
    this.#isWanted = false;
    this.#drop(closed);
    this.#handlers.onEnd(closed);
  }

  /** @param {Closed} closed */
  #drop(closed) {
    const link = this.#link;
    const wasUp = this.#isUp;
    if (wasUp && Date.now() - this.#upSince > PROVEN) this.#backoff.reset();
    this.#link = null;
    this.#isUp = false;
    this.#round += 1;
    clearTimeout(this.#refreshTimer);
    clearTimeout(this.#retryTimer);
    link?.close(closed.reason);
    if (wasUp) this.#handlers.onDown(closed);
    this.#handlers.onPhase();
  }

  #retryLater() {
    this.#retryTimer = setTimeout(() => this.#open(), this.#backoff.next());
  }

  #goOffline = () => {
    this.#isOffline = true;
    this.#drop({ code: 1000, reason: 'the network is gone' });
  };

  #goOnline = () => {
    if (!this.#isOffline) return;
    this.#isOffline = false;
    this.#backoff.reset();
    if (this.#isWanted) this.#open();
  };

  /**
   * Someone looks at the page again: do not sit the backoff out, and trust no link that may have
   * died while the timers stood still.
   */
  #hurry = () => {
    if (globalThis.document?.hidden) return;
    if (this.#link) return this.#link.look();
    if (this.#retryTimer !== null && this.#isWanted && !this.#isOffline) this.#open();
  };
}
