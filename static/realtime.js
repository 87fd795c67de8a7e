/**
 * Tandem's real-time client: one WebSocket, any number of channels, nothing missed, nothing twice.
 *
 *     const client = new RealtimeClient({ url: '/ws', getToken });
 *     client.addEventListener('state', () => light(client.state));
 *     client.connect();
 *     const live = await client.collection('/api/v1/orders', { onChange });
 *
 * A collection is loaded and from then on kept as the server has it, through reconnects, expired
 * tokens, gaps in the log and changes of rights. What lies below it can be had by itself:
 *
 *     const orders = client.subscribe('orders', { position });   // see channel.js
 *
 * It speaks the Centrifuge client protocol. After any interruption every channel continues from
 * its own position; where the server's log no longer reaches back that far, `gap` says so. It
 * knows nothing of orders, only of entities with an id and a version.
 */

import { Backoff } from './realtime/backoff.js';
import { Channel } from './realtime/channel.js';
import { Collection } from './realtime/collection.js';
import { Connection } from './realtime/connection.js';
import { authorized } from './realtime/http.js';
import * as wire from './realtime/wire.js';

/**
 * @typedef {import('./realtime/wire.js').Json} Json
 * @typedef {import('./realtime/wire.js').Position} Position
 * @typedef {import('./realtime/wire.js').ReplyError} ReplyError
 * @typedef {Parameters<typeof authorized>[0]} AuthorizedOptions
 * @typedef {import('./realtime/link.js').Closed} Closed
 * @typedef {import('./realtime/channel.js').Publication} Publication
 * @typedef {import('./realtime/connection.js').Options & AuthorizedOptions} Options
 * @typedef {'live' | 'reconnecting' | 'offline'} State `live`: connected, every channel that is
 *   followed is confirmed and every collection current, so that what is on the screen is what is
 *   in the database
 */

export { Channel, Collection };

/**
 * Events (CustomEvent):
 * - `state`      detail {@link State}
 * - `connected`  each time the server has accepted the connection
 * - `rights`     this person has another role now
 * - `terminated` detail {@link Closed}: the server does not want this client any more, or nobody
 *   is signed in (code 0). `connect()` tries again.
 */
export class RealtimeClient extends EventTarget {
  #connection;
  #channels = /** @type {Map<string, Channel>} */ (new Map());
  #parts = /** @type {Set<{isCurrent: boolean}>} */ (new Set());
  #backoff = new Backoff({ minimum: 500, maximum: 20_000 });
  /** @type {State} */
  state = 'offline';

  /** @param {Options} options */
  constructor(options) {
    super();
    /** REST as this person. */
    this.fetch = authorized(options);
    this.#connection = new Connection(options, {
      recovery: () => this.#recovery(),
      onUp: (result) => this.#up(result),
      onDown: (closed) => this.#down(closed),
      onPush: (name, push, receivedAt) => this.#push(name, push, receivedAt),
      onPhase: () => this.#updateState(),
      onEnd: (closed) => this.#emit('terminated', closed),
    });
  }

  /** Connect, and stay connected until `disconnect()` or a final close. */
  connect() {
    this.#connection.connect();
  }

  /** End the connection. Channels keep their positions, so that `connect()` continues them. */
  disconnect() {
    this.#connection.disconnect('disconnected by the application');
  }

  /** End the connection for good and let go of the page's events. */
  dispose() {
    this.#connection.dispose();
  }

  /** @returns {Promise<void>} resolves when there is a connection, at once if there is one */
  connected() {
    if (this.#connection.phase === 'up') return Promise.resolve();
    return new Promise((resolve) => {
      this.addEventListener('connected', () => resolve(), { once: true });
    });
  }

  /**
   * A list of the REST API, loaded: its first page is there, and it is followed from now on.
   * @param {string} url such as '/api/v1/orders'
   * @param {import('./realtime/collection.js').Options} [options]
   * @returns {Promise<Collection>} rejects when the first page cannot be read
   */
  collection(url, options) {
    return Collection.load(this, url, options);
  }

  /**
   * Not to be `live` unless this is current, too; or no more to ask this one.
   * @param {{isCurrent: boolean}} part
   * @param {boolean} [isPart]
   */
  track(part, isPart = true) {
    if (isPart) this.#parts.add(part);
    else this.#parts.delete(part);
    this.#updateState();
  }

  /**
   * The channel of that name, without subscribing it: for those that the server subscribes.
   * @param {string} name
   * @returns {Channel}
   */
  channel(name) {
    let channel = this.#channels.get(name);
    if (!channel) this.#channels.set(name, (channel = new Channel(name)));
    return channel;
  }

  /**
   * Follow a channel, from `position` if one is given. A channel that the server has subscribed
   * is returned as it is, and so is one that is followed already. It is followed until everyone
   * who called this has called `unsubscribe`.
   * @param {string} name
   * @param {{position?: Position, joinLeave?: boolean}} [from] joinLeave: tell who comes and goes
   * @returns {Channel}
   */
  subscribe(name, { position, joinLeave = false } = {}) {
    const channel = this.channel(name);
    channel.followers += 1;
    if (channel.state === 'subscribing' || channel.state === 'subscribed') return channel;
    if (position) channel.position = { epoch: position.epoch, offset: position.offset };
    channel.joinLeave = joinLeave;
    channel.state = 'subscribing';
    this.#requestSubscribe(channel);
    this.#updateState();
    return channel;
  }

  /** @param {string} name */
  unsubscribe(name) {
    const channel = this.#channels.get(name);
    if (!channel || --channel.followers > 0 || channel.serverSide) return;
    this.#channels.delete(name);
    channel.attempt += 1;
    channel.state = 'ended';
    this.#connection.request({ unsubscribe: { channel: name } });
    this.#updateState();
  }

  /**
   * Any other command: `publish`, `presence`, `history`.
   * @param {string} method
   * @param {Json} parameters
   * @returns {Promise<Json>} rejects with a {@link ReplyError}
   */
  request(method, parameters) {
    return new Promise((resolve, reject) => {
      this.#connection.request({ [method]: parameters }, (error, result) =>
        error ? reject(error) : resolve(result),
      );
    });
  }

  /** @returns {Json} */
  #recovery() {
    const known = [...this.#channels.values()].filter((c) => c.serverSide && c.position);
    return Object.fromEntries(known.map((channel) => [channel.name, channel.recovery()]));
  }

  /** @param {Json} result the connect reply */
  #up({ subs = {} }) {
    for (const channel of this.#channels.values()) {
      if (channel.serverSide && !(channel.name in subs)) this.#end(channel, 2000, 'not subscribed');
    }
    for (const [name, sub] of Object.entries(subs)) this.#takeServerSide(name, sub);
    for (const channel of this.#channels.values()) {
      if (!channel.serverSide && channel.state === 'subscribing') this.#requestSubscribe(channel);
    }
    this.#updateState();
    this.#emit('connected');
  }

  /** @param {Closed} closed */
  #down({ code }) {
    for (const channel of this.#channels.values()) {
      if (channel.state === 'subscribed') channel.state = 'subscribing';
      if (code === wire.CONNECTION_STATE_INVALIDATED) channel.invalidate();
    }
  }

  /** @param {string} name @param {Json} sub */
  #takeServerSide(name, sub) {
    const channel = this.channel(name);
    if (!channel.serverSide) channel.addEventListener('publication', this.#onOwnEvent);
    channel.serverSide = true;
    if (!channel.establish(sub, Date.now())) this.#connection.restart('insufficient state');
  }

  /** On the person's own channel, which the server subscribes. @param {Event} message */
  #onOwnEvent = (message) => {
    const { data: event } = /** @type {CustomEvent<Publication>} */ (message).detail;
    if (event.user && event.changed?.role) this.#emit('rights');
  };

  /** @param {Channel} channel */
  #requestSubscribe(channel) {
    if (this.#connection.phase !== 'up') return;
    const attempt = ++channel.attempt;
    const subscribe = { channel: channel.name, ...channel.recovery() };
    this.#connection.request({ subscribe }, (error, result) => {
      if (attempt !== channel.attempt || channel.state !== 'subscribing') return;
      if (error) this.#subscribeFailed(channel, error);
      else {
        this.#backoff.reset();
        if (!channel.establish(result, Date.now())) this.#resubscribe(channel);
      }
      this.#updateState();
    });
  }

  /** @param {Channel} channel @param {wire.ReplyError} error */
  #subscribeFailed(channel, error) {
    // One that the server has and nothing is known of here must go before another can come.
    const unsubscribe = { channel: channel.name };
    if (error.code === wire.ALREADY_SUBSCRIBED) this.#connection.request({ unsubscribe });
    else if (!wire.isWorthRetrying(error)) return this.#end(channel, error.code, error.message);
    // No answer at all: whatever the server made of it is unknown, so start from a clean slate.
    if (error.code === 1) return this.#connection.restart('subscribe timed out');
    const { attempt } = channel;
    setTimeout(() => {
      if (attempt !== channel.attempt || channel.state !== 'subscribing') return;
      this.#requestSubscribe(channel);
    }, this.#backoff.next());
  }

  /** Subscribe anew from where it stands, after a hole. @param {Channel} channel */
  #resubscribe(channel) {
    if (channel.serverSide) return this.#connection.restart('insufficient state');
    channel.state = 'subscribing';
    this.#connection.request({ unsubscribe: { channel: channel.name } });
    this.#requestSubscribe(channel);
    this.#updateState();
  }

  /** @param {string} name @param {Json} push @param {number} receivedAt */
  #push(name, push, receivedAt) {
    if (push.subscribe) return this.#takeServerSide(name, push.subscribe);
    const channel = this.#channels.get(name);
    if (!channel) return;
    if (push.pub && !channel.publish(push.pub, receivedAt)) this.#resubscribe(channel);
    else if (push.unsubscribe) this.#unsubscribed(channel, push.unsubscribe);
    else if (push.join) channel.meet('join', push.join.info);
    else if (push.leave) channel.meet('leave', push.leave.info);
  }

  /** @param {Channel} channel @param {Json} push */
  #unsubscribed(channel, { code, reason }) {
    // Before the reply to a subscribe it is of the subscription before that one.
    if (channel.state !== 'subscribed') return;
    if (code < wire.RESUBSCRIBE_FROM) return this.#end(channel, code, reason);
    if (code === wire.STATE_INVALIDATED) channel.invalidate();
    if (channel.serverSide) return this.#connection.restart(reason);
    channel.state = 'subscribing';
    this.#requestSubscribe(channel);
    this.#updateState();
  }

  /** @param {Channel} channel @param {number} code @param {string} reason */
  #end(channel, code, reason) {
    this.#channels.delete(channel.name);
    channel.end(code, reason);
    this.#updateState();
  }

  /** What is followed for the first time takes nothing from what is live already. */
  #updateState() {
    const isNew = (/** @type {Channel} */ channel) => channel.isNew && this.state === 'live';
    const channels = [...this.#channels.values()];
    const confirmed = channels.every((c) => c.state !== 'subscribing' || isNew(c));
    const settled = confirmed && [...this.#parts].every((part) => part.isCurrent);
    const { phase } = this.#connection;
    const up = settled ? 'live' : 'reconnecting';
    /** @type {State} */
    const state = phase === 'up' ? up : phase === 'trying' ? 'reconnecting' : 'offline';
    if (state !== this.state) this.#emit('state', (this.state = state));
  }

  /** @param {string} type @param {any} [detail] */
  #emit(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}
