/**
 * One order, opened, and all who look at it: a room. It keeps what they see true; views show it.
 *
 * @typedef {import('./api.js').Order} Order
 * @typedef {import('./api.js').User} User
 * @typedef {import('./room/edits.js').Edit} Edit
 * @typedef {import('./realtime/channel.js').Publication} Publication
 * @typedef {'deleted' | 'revoked'} End
 *
 * @typedef {object} Outside
 * @property {import('./realtime.js').RealtimeClient} client
 * @property {User} user
 * @property {(order: Order) => void} onSaved told what came of an edit of this person
 */

import * as api from './api.js';
import { Problem, sentenceOf } from './problems.js';
import { Backoff } from './realtime/backoff.js';
import { Comments } from './room/comments.js';
import { Editing, EditingSignal } from './room/editing.js';
import { People } from './room/people.js';
import { Saving } from './room/saving.js';
import { Timeline } from './room/timeline.js';

/** Presence that could not be had is asked for again. */
const PRESENCE_PAUSE = 3000;
const PERMISSION_DENIED = 103;
const UNSUBSCRIBED = 2000;

/**
 * Events (CustomEvent):
 * - `order`    there is another {@link order} to show
 * - `people`, `editing`, `timeline`
 * - `comments` detail: the comment that has just arrived, or null
 * - `event`    detail: an event of the order, as it comes
 * - `merged`   detail: the events of others on top of which an edit was saved
 * - `failure`  detail: a sentence; '' when it is over
 * - `ended`    {@link end}: this person may no longer be here, or the order is gone
 */
export class Room extends EventTarget {
  #client;
  #onSaved;
  /** @type {import('./realtime/channel.js').Channel | null} */
  #channel = null;
  #isOpen = true;
  /** Raised by each reading, so that one overtaken by another is dropped. */
  #reading = 0;
  /** @type {any} */
  #presenceTimer = null;
  /** @type {End | null} */
  end = null;
  isLoaded = false;

  /** @param {string} id @param {Order | undefined} known @param {Outside} outside */
  constructor(id, known, { client, user, onSaved }) {
    super();
    this.id = id;
    this.user = user;
    this.#client = client;
    this.#onSaved = onSaved;
    this.saving = new Saving(known ?? null, () => this.#emit('order'));
    this.people = new People(() => this.#emit('people'));
    this.editing = new Editing(() => this.#emit('editing'));
    this.signal = new EditingSignal((field) => this.#tell(field));
    this.timeline = new Timeline(() => this.#emit('timeline'));
    this.comments = new Comments(
      user.id,
      (text, key) => api.writeComment(id, text, key),
      (comment) => this.#emit('comments', comment),
    );
  }

  /** As this person sees it: with what is being saved. @returns {Order | null} */
  get order() {
    return this.saving.shown;
  }

  /** Everybody else who looks at the order. */
  get others() {
    return this.people.list().filter((person) => person.id !== this.user.id);
  }

  open() {
    return this.#load();
  }

  close() {
    this.signal.close();
    this.#leave();
  }

  /**
   * Save an edit that was made on `base`.
   * @param {Edit} edit @param {Order} base
   * @throws {Problem} with status 412 and conflicts where others changed the same fields
   */
  async save(edit, base) {
    const { order, merged, from } = await this.saving.save(edit, base);
    this.#onSaved(order);
    if (!merged) return;
    const between = this.timeline.between(from, order.version);
    this.#emit('merged', between.filter((event) => event.actor?.id !== this.user.id));
  }

  /** @param {string} email */
  async share(email) {
    const person = await api.findPerson(email);
    await api.shareOrder(this.id, person.id);
    return person;
  }

  /** @param {string} person */
  unshare(person) {
    return api.unshareOrder(this.id, person);
  }

  // ------------------------------------------------------------------ reading

  /** Read all of it, as often as it takes, and follow it from there. */
  async #load() {
    const reading = ++this.#reading;
    const backoff = new Backoff({ minimum: 500, maximum: 20_000 });
    while (this.#isOpen && reading === this.#reading) {
      try {
        return await this.#read();
      } catch (error) {
        if (isGone(error)) return this.#finish('revoked');
        this.#emit('failure', sentenceOf(error));
      }
      await new Promise((resolve) => setTimeout(resolve, backoff.next()));
    }
  }

  /** First the order with its position: what is read later cannot miss what came before. */
  async #read() {
    const { order, position } = await api.readOrder(this.id);
    if (!this.#isOpen) return;
    this.saving.take(order);
    this.#follow(position);
    const [comments, events] = await Promise.all([
      api.readComments(this.id),
      api.readHistory(this.id),
    ]);
    if (!this.#isOpen) return;
    this.isLoaded = true;
    this.timeline.take(events);
    this.comments.fill(comments);
    this.#emit('failure', '');
  }

  // ---------------------------------------------------------------- following

  /** @param {import('./realtime.js').Position} position */
  async #follow(position) {
    await this.#client.connected();
    if (!this.#isOpen || this.#channel) return;
    const channel = this.#client.subscribe(`orders:${this.id}`, { position, joinLeave: true });
    this.#channel = channel;
    for (const [type, listener] of Object.entries(this.#listeners)) {
      channel.addEventListener(type, listener);
    }
    if (channel.state === 'subscribed') this.#askPresence();
  }

  /** @type {Record<string, (event: any) => void>} */
  #listeners = {
    subscribed: () => this.#askPresence(),
    publication: ({ detail }) => this.#hear(detail),
    gap: () => this.#load(),
    unsubscribed: ({ detail }) => this.#unsubscribed(detail),
    join: ({ detail }) => this.#joined(detail),
    leave: ({ detail }) => this.#left(detail),
  };

  /** Whoever came or went before the answer is in it; whoever does later is told of. */
  async #askPresence() {
    clearTimeout(this.#presenceTimer);
    try {
      const { presence } = await this.#client.request('presence', { channel: this.#channel?.name });
      if (!this.#isOpen) return;
      this.people.reset(presence);
      this.editing.dropUnless((client) => this.people.has(client));
    } catch {
      if (!this.#isOpen || this.#channel?.state !== 'subscribed') return;
      this.#presenceTimer = setTimeout(() => this.#askPresence(), PRESENCE_PAUSE);
    }
  }

  /** @param {import('./room/people.js').ClientInfo} info */
  #joined(info) {
    this.people.join(info);
    if (info.user !== this.user.id) this.signal.repeat();
  }

  /** @param {import('./room/people.js').ClientInfo} info */
  #left(info) {
    this.people.leave(info);
    this.editing.drop(info.client);
  }

  /** A signal has a sender; all else is an event. @param {Publication} publication */
  #hear({ data, info }) {
    if (info) return this.editing.take(/** @type {any} */ (info), data.editing ?? null);
    this.timeline.take([data]);
    if (data.order?.status) this.saving.take(data.order);
    if (data.comment) this.comments.arrive(data.comment);
    this.#emit('event', data);
    if (data.type === 'order.deleted') this.#finish('deleted');
  }

  /** @param {{code: number}} push */
  #unsubscribed({ code }) {
    if (code === UNSUBSCRIBED || code === PERMISSION_DENIED) this.#finish('revoked');
  }

  /** @param {string | null} field */
  #tell(field) {
    const signal = { channel: `orders:${this.id}`, data: { editing: field } };
    // One that is lost is repeated, or ends by itself where it is seen.
    this.#client.request('publish', signal).catch(() => {});
  }

  /** @param {End} end */
  #finish(end) {
    if (this.end) return;
    this.end = end;
    this.signal.close();
    this.#leave();
    this.people.reset({});
    this.editing.dropUnless(() => false);
    this.#emit('ended');
  }

  #leave() {
    this.#isOpen = false;
    clearTimeout(this.#presenceTimer);
    this.editing.dropUnless(() => false);
    const channel = this.#channel;
    if (!channel) return;
    for (const [type, listener] of Object.entries(this.#listeners)) {
      channel.removeEventListener(type, listener);
    }
    this.#client.unsubscribe(channel.name);
  }

  /** @param {string} type @param {any} [detail] */
  #emit(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}

/** @param {unknown} error */
function isGone(error) {
  return error instanceof Problem && (error.status === 404 || error.status === 403);
}
