/**
 * A list that stays true: read once over REST, then followed from exactly where it was read.
 *
 * @typedef {import('./realtime.js').Position} Position
 * @typedef {import('./realtime.js').RealtimeClient} RealtimeClient
 * @typedef {import('./realtime/channel.js').Channel} Channel
 * @typedef {import('./realtime/channel.js').Publication} Publication
 *
 * @typedef {{items: any[], next_cursor: string | null,
 *            position: Position & {channel: string}}} Page
 */

import { Backoff } from './realtime/backoff.js';

const FIRST_PAGE = 50;
const NEXT_PAGES = 200;

/**
 * Events (CustomEvent):
 * - `page`        a page has arrived, or all of them again; `isComplete`: whether it was the last
 * - `publication` detail Publication: an event of the list's channel, before it is applied
 * - `ended`       detail `{code, reason}`: this person may no longer follow the list
 */
export class Feed extends EventTarget {
  #client;
  #store;
  #read;
  #apply;
  /** @type {Channel | null} */
  #channel = null;
  /** @type {string | null} */
  #cursor = null;
  #isOpen = true;
  #isRereading = false;
  /** Raised by each reading from the start: pages of an older one no longer fit. */
  #reading = 0;
  isComplete = false;

  /**
   * @param {object} options
   * @param {RealtimeClient} options.client
   * @param {import('./store.js').Store<any>} options.store
   * @param {(page: {cursor: string | null, limit: number}) => Promise<Page>} options.read
   * @param {(event: any) => void} options.apply brings an event's news into the store
   */
  constructor({ client, store, read, apply }) {
    super();
    this.#client = client;
    this.#store = store;
    this.#read = read;
    this.#apply = apply;
  }

  /** Read the first page and follow it. Resolves once the page is in the store. */
  async open() {
    const page = await this.#readPage(null, FIRST_PAGE);
    this.#follow(page.position);
  }

  /** Read the next page, if there is one. */
  async more() {
    if (this.isComplete || this.#isRereading || !this.#cursor) return;
    await this.#readPage(this.#cursor, NEXT_PAGES);
  }

  close() {
    this.#isOpen = false;
    const channel = this.#channel;
    if (!channel) return;
    channel.removeEventListener('publication', this.#onPublication);
    channel.removeEventListener('gap', this.#onGap);
    channel.removeEventListener('unsubscribed', this.#onUnsubscribed);
    this.#client.unsubscribe(channel.name);
  }

  /** @param {string | null} cursor @param {number} limit */
  async #readPage(cursor, limit) {
    const reading = this.#reading;
    const page = await this.#read({ cursor, limit });
    if (reading === this.#reading && this.#isOpen) this.#takePage(page);
    return page;
  }

  /** @param {Page} page */
  #takePage({ items, next_cursor: cursor }) {
    for (const item of items) this.#store.take(item);
    this.#cursor = cursor;
    this.isComplete = cursor === null;
    this.dispatchEvent(new CustomEvent('page'));
  }

  /** @param {Page['position']} position */
  async #follow(position) {
    // Only a connection knows which channels the server subscribes by itself.
    await this.#client.connected();
    if (!this.#isOpen) return;
    const channel = this.#client.subscribe(position.channel, { position });
    this.#channel = channel;
    channel.addEventListener('publication', this.#onPublication);
    channel.addEventListener('gap', this.#onGap);
    channel.addEventListener('unsubscribed', this.#onUnsubscribed);
    // A server-side subscription starts where it likes. Only if it has moved past the list is
    // there something that neither of them said.
    if (channel.serverSide && isBehind(position, channel.position)) this.#onGap();
  }

  /** @param {Event} event */
  #onPublication = (event) => {
    const { detail } = /** @type {CustomEvent<Publication>} */ (event);
    this.dispatchEvent(new CustomEvent('publication', { detail }));
    this.#apply(detail.data);
  };

  /** @param {Event} event */
  #onUnsubscribed = (event) => {
    const { detail } = /** @type {CustomEvent} */ (event);
    this.dispatchEvent(new CustomEvent('ended', { detail }));
  };

  /** Something was missed that the log cannot fill: read the list again, as far as it was read. */
  #onGap = async () => {
    const reading = ++this.#reading;
    const wanted = this.#store.size;
    const backoff = new Backoff({ minimum: 500, maximum: 20_000 });
    const isCurrent = () => reading === this.#reading && this.#isOpen;
    this.#isRereading = true;
    this.#store.startReread();
    this.#cursor = null;
    for (let read = 0; isCurrent() && (read === 0 || (read < wanted && this.#cursor));) {
      const page = await this.#readPage(this.#cursor, NEXT_PAGES).catch(() => null);
      if (page) read += Math.max(1, page.items.length);
      else await new Promise((resolve) => setTimeout(resolve, backoff.next()));
    }
    if (!isCurrent()) return;
    this.#isRereading = false;
    this.#store.finishReread();
    this.dispatchEvent(new CustomEvent('page'));
  };
}

/** @param {Position} list @param {Position | null} stream */
function isBehind(list, stream) {
  return stream !== null && (list.epoch !== stream.epoch || list.offset < stream.offset);
}
