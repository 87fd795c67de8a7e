/**
 * @typedef {import('./wire.js').Position} Position
 * @typedef {import('./channel.js').Channel} Channel
 * @typedef {import('./channel.js').Publication} Publication
 * @typedef {import('./pages.js').ListPosition} ListPosition
 *
 * @typedef {object} Handlers
 * @property {(publication: Publication) => void} onPublication
 * @property {() => void} onSubscribed
 * @property {() => void} onGap something was missed that the log cannot fill
 * @property {(isRefused: boolean) => void} onEnd the server ended the subscription, or refused it
 */

/** Follows the channel that covers a list: one at a time, whichever it is at present. */
export class Following {
  #client;
  #handlers;
  /** @type {Channel | null} */
  #channel = null;

  /** @param {import('../realtime.js').RealtimeClient} client @param {Handlers} handlers */
  constructor(client, handlers) {
    this.#client = client;
    this.#handlers = handlers;
  }

  /** The channel's name, if one is followed. */
  get name() {
    return this.#channel?.name;
  }

  /**
   * Follow the channel of this position, or none; where it is followed already, that goes on. To
   * be called while connected: only a connection knows which channels the server subscribes.
   * @param {ListPosition | null} position
   * @returns {boolean} false: the channel was subscribed before, and is past this position, so
   *   that there may be something that neither the list nor the channel has said
   */
  follow(position) {
    if (position?.channel === this.name) return true;
    this.stop();
    if (!position) return true;
    const channel = (this.#channel = this.#client.subscribe(position.channel, { position }));
    for (const [type, listener] of this.#listeners) channel.addEventListener(type, listener);
    return !isBehind(position, channel.position);
  }

  stop() {
    const channel = this.#channel;
    if (!channel) return;
    this.#channel = null;
    for (const [type, listener] of this.#listeners) channel.removeEventListener(type, listener);
    if (channel.state !== 'ended') this.#client.unsubscribe(channel.name);
  }

  /** @type {[string, (message: any) => void][]} */
  #listeners = [
    ['publication', ({ detail }) => this.#handlers.onPublication(detail)],
    ['subscribed', () => this.#handlers.onSubscribed()],
    ['gap', () => this.#handlers.onGap()],
    ['unsubscribed', ({ detail }) => this.#end(detail.code)],
  ];

  /** @param {number} code an error's, or from 2000 on an unsubscribe push's */
  #end(code) {
    this.stop();
    this.#handlers.onEnd(code < 2000);
  }
}

/** @param {Position} list @param {Position | null} stream */
function isBehind(list, stream) {
  return stream !== null && (list.epoch !== stream.epoch || list.offset < stream.offset);
}
