import { Backoff } from './backoff.js';
import { Entities } from './entities.js';
import { applyEvent, isAbout } from './events.js';
import { Following } from './following.js';
import { Pages, sleep } from './pages.js';

/**
 * @typedef {import('./pages.js').Page} Page
 * @typedef {{id: string, version: number}} Entity
 *
 * @typedef {object} Change
 * @property {any[]} upserted entities that are new, or newer than they were
 * @property {any[]} removed entities as they were last, that are gone or may no longer be seen
 * @property {'page' | 'event' | 'call' | 'reset'} source what brought it. `call`: somebody called
 *   `take` or `hide`. `reset`: all was read anew, after a gap or a change of rights; `upserted` is
 *   everything there is now.
 * @property {import('./events.js').Event | null} event for the source `event`. Every event of the
 *   subject is reported, even one that changed nothing because its news was known already.
 * @property {number} receivedAt milliseconds since 1970
 *
 * @typedef {object} Options
 * @property {(change: Change) => void} [onChange] the first page is reported, too
 * @property {string} [subject] what its events are of: "order" for `order.updated`, whose entity
 *   is the event's field `order`; if it is not given, the last part of the path without its "s"
 * @property {(entity: any) => boolean} [matches] for a URL with a filter in its query: the same
 *   filter, so that an entity leaves with the event after which it no longer fits
 */

const FIRST_PAGE = 50;
const NEXT_PAGES = 200;
/** A worker may learn of new rights a little after the event of them came by way of another. */
const SECOND_LOOK = 2000;

/**
 * A list that stays true: read over REST, followed from exactly where it was read, and read again
 * where the log cannot fill what was missed or other rights cover another list. What is there
 * stays until the new reading is complete; then one change replaces it. Of a list that was not
 * read to its end as much is read again as there was.
 */
export class Collection {
  #client;
  #pages;
  #following;
  #subject;
  #matches;
  #shown;
  /** @type {Entities<any> | null} what is being read anew */
  #fresh = null;
  /** @type {string | null} */
  #cursor = null;
  /** Raised by each reading from the start: pages of an older one no longer fit. */
  #reading = 0;
  #backoff = new Backoff({ minimum: 500, maximum: 20_000 });
  /** @type {any} */
  #timer = null;
  /** Whether the last page was read. */
  isComplete = false;
  /** Whether what it holds is followed, and not just being read again. */
  isCurrent = false;

  /**
   * @param {import('../realtime.js').RealtimeClient} client
   * @param {string} url
   * @param {Options} [options]
   */
  constructor(client, url, { onChange = () => {}, subject, matches } = {}) {
    this.#pages = new Pages(client.fetch, url);
    if (this.#pages.isFiltered && !matches) throw new TypeError('a filter needs `matches`, too');
    this.#client = client;
    this.#subject = subject ?? this.#pages.subject;
    this.#matches = matches;
    this.#shown = new Entities(matches);
    this.onChange = onChange;
    this.#following = new Following(client, {
      onPublication: (publication) => this.#hear(publication),
      onSubscribed: () => this.#backoff.reset(),
      onGap: () => this.#reread(),
      // Refused: whoever answered the list did not know yet. Ended: the list knows why.
      onEnd: (isRefused) => this.#reread(isRefused ? this.#backoff.next() : 0),
    });
    client.addEventListener('rights', this.#onRights);
    client.track(this);
  }

  get size() {
    return this.#shown.size;
  }

  /** @param {string} id */
  get(id) {
    return this.#shown.get(id);
  }

  values() {
    return this.#shown.values();
  }

  /** Read the first page, then follow it. After a rejection it may be called again. */
  async open() {
    const reading = this.#reading;
    const page = await this.#pages.read({ limit: FIRST_PAGE });
    if (reading === this.#reading) {
      this.#takePage(page);
      this.#follow(page);
    }
    return this;
  }

  /** Read the next page. @returns {Promise<boolean>} false: there is none, or all is read anew */
  async more() {
    const reading = this.#reading;
    if (!this.#cursor || this.#fresh) return false;
    const page = await this.#pages.read({ cursor: this.#cursor, limit: NEXT_PAGES });
    if (reading === this.#reading) this.#takePage(page);
    return true;
  }

  /**
   * Take in what the server finds for parameters such as `{q: 'tea'}`, wherever in the list it is.
   * @param {Record<string, string>} parameters
   * @param {{cursor?: string | null, signal?: AbortSignal}} [from] cursor: where an earlier call
   *   ended; signal: ends this one, which then rejects
   * @returns {Promise<string | null>} where to go on, if there is more
   */
  async find(parameters, { cursor = null, signal } = {}) {
    const reading = this.#reading;
    const page = await this.#pages.read({ ...parameters, cursor, limit: NEXT_PAGES }, signal);
    if (reading === this.#reading) this.#takeAll(page.items, 'page');
    return page.next_cursor;
  }

  /** Take in what came another way, such as the reply to a change. @param {Entity} entity */
  take(entity) {
    this.#takeAll([entity], 'call');
  }

  /**
   * It may not be seen any more, as a 404 said.
   * @param {string} id
   * @param {number} version known when that was asked; of a newer one it says nothing
   */
  hide(id, version) {
    const known = this.get(id);
    if (!known || known.version > version) return;
    this.#apply([known], (state) => state.hide(id, version), 'call');
  }

  close() {
    this.#reading += 1;
    clearTimeout(this.#timer);
    this.#following.stop();
    this.#client.removeEventListener('rights', this.#onRights);
    this.#client.track(this, false);
  }

  /** @param {Page} page */
  #takePage({ items, next_cursor: cursor }) {
    this.#cursor = cursor;
    this.isComplete = cursor === null;
    this.#takeAll(items, 'page');
  }

  /** @param {Entity[]} entities @param {Change['source']} source */
  #takeAll(entities, source) {
    this.#apply(entities, (state, entity) => state.take(entity), source);
  }

  /** @param {import('./channel.js').Publication} publication */
  #hear({ data: event, receivedAt }) {
    // A person's own channel also carries news of the person.
    if (!isAbout(event, this.#subject)) return;
    const act = (/** @type {Entities<any>} */ state) => applyEvent(state, this.#subject, event);
    this.#apply([event[this.#subject]], act, 'event', { event, receivedAt });
  }

  /**
   * @param {Entity[]} entities
   * @param {(state: Entities<any>, entity: Entity) => boolean} act
   * @param {Change['source']} source
   * @param {Partial<Change>} [news]
   */
  #apply(entities, act, source, news) {
    /** @type {any[]} */
    const upserted = [];
    /** @type {any[]} */
    const removed = [];
    for (const entity of entities) {
      if (this.#fresh) act(this.#fresh, entity);
      const before = this.get(entity.id);
      if (!act(this.#shown, entity)) continue;
      const after = this.get(entity.id);
      if (after) upserted.push(after);
      else if (before) removed.push(before);
    }
    const isNews = source === 'event' || upserted.length + removed.length > 0;
    if (isNews) this.#report({ upserted, removed, source, ...news });
  }

  /** @param {Pick<Change, 'upserted' | 'removed' | 'source'> & Partial<Change>} change */
  #report(change) {
    this.onChange({ event: null, receivedAt: Date.now(), ...change });
  }

  /** @param {Page} page the first one: its position counts */
  async #follow({ position }) {
    const reading = this.#reading;
    await this.#client.connected();
    if (reading !== this.#reading) return;
    if (this.#following.follow(position)) this.#setCurrent(true);
    else await this.#reread();
  }

  #onRights = async () => {
    const channel = this.#following.name;
    const isRead = await this.#reread();
    if (!isRead || channel !== this.#following.name) return;
    this.#timer = setTimeout(() => this.#reread(), SECOND_LOOK);
  };

  /**
   * Read the list again.
   * @param {number} [pause] before that
   * @returns {Promise<boolean>} false: overtaken by another reading
   */
  async #reread(pause = 0) {
    const reading = ++this.#reading;
    clearTimeout(this.#timer);
    this.#fresh = null;
    this.#setCurrent(false);
    if (pause) await sleep(pause);
    if (reading !== this.#reading) return false;
    const fresh = (this.#fresh = new Entities(this.#matches));
    const first = await this.#readInto(fresh, reading);
    if (!first) return false;
    this.#fresh = null;
    this.#replace(fresh);
    await this.#follow(first);
    return true;
  }

  /**
   * @param {Entities<any>} fresh
   * @param {number} reading
   * @returns {Promise<Page | null>} the first page; null: overtaken
   */
  async #readInto(fresh, reading) {
    const wanted = this.isComplete ? Infinity : this.size;
    const isWanted = () => reading === this.#reading;
    /** @type {Page | null} */
    let first = null;
    /** @type {string | null} */
    let cursor = null;
    do {
      const page = await this.#pages.readStubbornly({ cursor, limit: NEXT_PAGES }, isWanted);
      if (!page) return null;
      first ??= page;
      if (page.position?.channel !== first.position?.channel) return this.#startAgain();
      for (const item of page.items) fresh.take(item);
      cursor = page.next_cursor;
    } while (cursor && fresh.size < wanted);
    this.#cursor = cursor;
    this.isComplete = cursor === null;
    return first;
  }

  /** The rights changed from one page to the next. */
  async #startAgain() {
    await this.#reread();
    return null;
  }

  /** @param {Entities<any>} fresh */
  #replace(fresh) {
    const removed = [...this.values()].filter(({ id }) => !fresh.get(id));
    this.#shown = fresh;
    this.#report({ upserted: [...fresh.values()], removed, source: 'reset' });
  }

  /** @param {boolean} isCurrent */
  #setCurrent(isCurrent) {
    this.isCurrent = isCurrent;
    this.#client.track(this);
  }

  /**
   * Made and opened, or not at all.
   * @param {import('../realtime.js').RealtimeClient} client
   * @param {string} url
   * @param {Options} [options]
   */
  static async load(client, url, options) {
    const collection = new Collection(client, url, options);
    try {
      return await collection.open();
    } catch (error) {
      collection.close();
      throw error;
    }
  }
}
