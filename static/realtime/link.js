import { decode, encode } from './wire.js';

/**
 * @typedef {import('./wire.js').Json} Json
 * @typedef {import('./wire.js').ReplyError} ReplyError
 * @typedef {(error: ReplyError | null, result: Json) => void} OnReply
 * @typedef {{code: number, reason: string}} Closed
 */

/** What a link reports of itself when a reply does not come; below 100, hence worth retrying. */
const TIMED_OUT = { code: 1, message: 'timeout', temporary: true };
const CLOSED = { code: 11, message: 'connection closed', temporary: true };

/**
 * One WebSocket from its opening to its end: commands and their replies, pushes, pings.
 *
 * Replies are handed over synchronously, in the order of the lines of a message: a publication
 * that follows a subscribe reply in the same message must find the subscription established.
 */
export class Link {
  #socket;
  #handlers;
  /** @type {Map<number, {onReply: OnReply, timer: any}>} */
  #pending = new Map();
  /** @type {Json[]} */
  #outbox = [];
  #lastId = 0;
  #lastReceived = 0;
  /** Milliseconds of it that mean the end; 0 until it is watched. */
  #longestSilence = 0;
  /** @type {any} */
  #watchdog = 0;
  #answersPings = false;
  #isClosed = false;

  /**
   * @param {WebSocket} socket
   * @param {object} handlers
   * @param {() => void} handlers.onOpen
   * @param {(channel: string, push: Json, receivedAt: number) => void} handlers.onPush
   * @param {(closed: Closed) => void} handlers.onClose called exactly once
   */
  constructor(socket, handlers) {
    this.#socket = socket;
    this.#handlers = handlers;
    socket.onopen = () => handlers.onOpen();
    socket.onmessage = (message) => this.#receive(message.data);
    socket.onclose = ({ code, reason }) => this.#finish({ code, reason });
  }

  /**
   * Send one command. Commands of one turn of the event loop leave as one message.
   * @param {Json} command such as `{subscribe: {channel}}`
   * @param {OnReply} onReply
   * @param {number} [timeout] milliseconds
   */
  request(command, onReply, timeout = 5000) {
    if (this.#isClosed) return onReply(CLOSED, {});
    const id = ++this.#lastId;
    const timer = setTimeout(() => this.#settle(id, TIMED_OUT, {}), timeout);
    this.#pending.set(id, { onReply, timer });
    this.#send({ id, ...command });
  }

  /**
   * Start to expect pings, and to answer them if the server wants that. Any data counts as a sign
   * of life; silence for `silence` milliseconds means that the network swallowed the connection.
   * @param {number} silence
   * @param {boolean} answersPings
   */
  watch(silence, answersPings) {
    this.#answersPings = answersPings;
    this.#longestSilence = silence;
    this.look();
  }

  /**
   * Whether it has been silent for too long: then it ends. To be called also when timers may have
   * stood still, as they do while a computer sleeps.
   */
  look() {
    if (this.#longestSilence === 0) return;
    const now = Date.now();
    // If the clock was set back, the silence counts from now.
    this.#lastReceived = Math.min(this.#lastReceived, now);
    const left = this.#lastReceived + this.#longestSilence - now;
    if (left <= 0) return this.close('no ping');
    clearTimeout(this.#watchdog);
    this.#watchdog = setTimeout(() => this.look(), left);
  }

  /**
   * End it from this side. The handler runs at once: over a dead network the browser's own close
   * event may take minutes.
   * @param {string} reason
   */
  close(reason) {
    this.#socket.close();
    this.#finish({ code: 1000, reason });
  }

  /** @param {Json} command */
  #send(command) {
    if (this.#outbox.push(command) === 1) queueMicrotask(() => this.#flush());
  }

  #flush() {
    const commands = this.#outbox;
    this.#outbox = [];
    if (!this.#isClosed) this.#socket.send(encode(commands));
  }

  /** @param {unknown} data */
  #receive(data) {
    const receivedAt = Date.now();
    this.#lastReceived = receivedAt;
    let documents;
    try {
      documents = decode(String(data));
    } catch {
      return this.close('malformed message');
    }
    for (const document of documents) {
      if (this.#isClosed) return;
      this.#handle(document, receivedAt);
    }
  }

  /**
   * @param {Json} document
   * @param {number} receivedAt
   */
  #handle({ id, error, push, ...results }, receivedAt) {
    if (id) this.#settle(id, error ?? null, Object.values(results)[0] ?? {});
    else if (push) this.#handlers.onPush(push.channel ?? '', push, receivedAt);
    else if (this.#answersPings) this.#send({});
  }

  /**
   * @param {number} id
   * @param {ReplyError | null} error
   * @param {Json} result
   */
  #settle(id, error, result) {
    const waiting = this.#pending.get(id);
    if (!waiting) return;
    this.#pending.delete(id);
    clearTimeout(waiting.timer);
    waiting.onReply(error, result);
  }

  /** @param {Closed} closed */
  #finish(closed) {
    if (this.#isClosed) return;
    this.#isClosed = true;
    clearTimeout(this.#watchdog);
    this.#socket.onopen = this.#socket.onmessage = this.#socket.onclose = null;
    // First the owner learns that the link is gone, so that no failed command is retried on it.
    this.#handlers.onClose(closed);
    for (const id of [...this.#pending.keys()]) this.#settle(id, CLOSED, {});
  }
}
