/**
 * One order, opened, and all who look at it: a room. It keeps what they see true; views show it.
 *
 * @typedef {import('./api.js').Order} Order
 * @typedef {import('./api.js').User} User
 * @typedef {import('./room/edits.js').Edit} Edit
 * @typedef {'deleted' | 'revoked' | 'missing'} End `missing`: it was never seen here
 *
 * @typedef {object} Outside
 * @property {import('./realtime.js').RealtimeClient} client
 * @property {User} user
 * @property {(order: Order) => void} onSaved told what came of an edit of this person
 * @property {(sentence: string) => void} onLost told what failed after the person had left
 */

import * as api from './api.js';
import { Problem, sentenceOf } from './problems.js';
import { Backoff } from './realtime/backoff.js';
import { Comments } from './room/comments.js';
import { Drafts } from './room/drafts.js';
import { Presence } from './room/presence.js';
import { Saving } from './room/saving.js';
import { Timeline } from './room/timeline.js';
import { Unanswered } from './room/unanswered.js';

const PERMISSION_DENIED = 103;
const UNSUBSCRIBED = 2000;
const NOT_SENT = 'your comment was not sent. It is kept, and sent when you open the order again.';

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
  #onSaved;
  #onLost;
  #presence;
  #isOpen = true;
  /** Raised by each reading, so that one overtaken by another is dropped. */
  #reading = 0;
  /** @type {End | null} */
  end = null;
  isLoaded = false;
  /** The person has closed it: nothing that it shows is seen any more. */
  isLeft = false;

  /** @param {string} id @param {Order | undefined} known @param {Outside} outside */
  constructor(id, known, { client, user, onSaved, onLost }) {
    super();
    this.id = id;
    this.user = user;
    this.drafts = new Drafts(user.id, id);
    this.#onSaved = onSaved;
    this.#onLost = onLost;
    const change = api.onlyFor(user.id, api.changeOrder);
    this.saving = new Saving(known ?? null, change, () => this.#emit('order'));
    this.#presence = new Presence(client, `orders:${id}`, user.id, {
      onEvent: (event) => this.#hear(event),
      onGap: () => this.#missed(),
      onEnd: (code) => this.#unsubscribed(code),
      onPeople: () => this.#emit('people'),
      onEditing: () => this.#emit('editing'),
    });
    this.editing = this.#presence.editing;
    this.signal = this.#presence.signal;
    this.timeline = new Timeline(() => this.#emit('timeline'));
    this.comments = new Comments(
      user.id,
      (text, key) => this.#writeComment(text, key),
      new Unanswered(this.drafts),
      (comment) => this.#emit('comments', comment),
    );
  }

  /** As this person sees it: with what is being saved. @returns {Order | null} */
  get order() {
    return this.saving.shown;
  }

  /** Everybody else who looks at the order. */
  get others() {
    return this.#presence.people.list().filter((person) => person.id !== this.user.id);
  }

  get areOthersKnown() {
    return this.#presence.people.isKnown;
  }

  open() {
    this.comments.resume();
    return this.#load();
  }

  close() {
    this.isLeft = true;
    this.comments.close();
    this.#stop();
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
    this.#emit(
      'merged',
      between.filter((event) => event.actor?.id !== this.user.id),
    );
  }

  /** Tell a person who has left. @param {string} sentence what failed */
  lose(sentence) {
    const name = this.order ? `Order ${this.order.number}` : 'The order that you closed';
    this.#onLost(`${name}: ${sentence}`);
  }

  /** @param {string} text @param {string} key */
  async #writeComment(text, key) {
    try {
      return await api.onlyFor(this.user.id, api.writeComment)(this.id, text, key);
    } catch (error) {
      if (this.isLeft) this.lose(NOT_SENT);
      throw error;
    }
  }

  /** @param {string} email */
  async share(email) {
    const person = await api.findPerson(email);
    await api.onlyFor(this.user.id, api.shareOrder)(this.id, person.id);
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
        return await this.#read(() => this.#isOpen && reading === this.#reading);
      } catch (error) {
        if (isGone(error)) return this.#finish(this.order ? 'revoked' : 'missing');
        this.#emit('failure', sentenceOf(error));
      }
      await new Promise((resolve) => setTimeout(resolve, backoff.next()));
    }
  }

  /**
   * First the order with its position: what is read later cannot miss what came before.
   * @param {() => boolean} isWanted
   */
  async #read(isWanted) {
    const { order, position } = await api.readOrder(this.id);
    if (!isWanted()) return;
    this.saving.take(order);
    this.#presence.follow(position);
    const [comments, events] = await Promise.all([
      api.readComments(this.id),
      api.readHistory(this.id),
    ]);
    if (!isWanted()) return;
    this.isLoaded = true;
    this.timeline.fill(events);
    this.comments.fill(comments);
    this.#emit('failure', '');
  }

  /** What is there stays until it is read again, though it may never have happened. */
  #missed() {
    this.saving.doubt();
    this.timeline.doubt();
    this.comments.doubt();
    return this.#load();
  }

  // ---------------------------------------------------------------- following

  /** @param {any} event of the order */
  #hear(event) {
    this.timeline.hear(event);
    if (event.order?.status) this.saving.take(event.order);
    if (event.comment) this.comments.arrive(event.comment);
    this.#emit('event', event);
    if (event.type === 'order.deleted') this.#finish('deleted');
  }

  /** @param {number} code */
  #unsubscribed(code) {
    if (code === UNSUBSCRIBED || code === PERMISSION_DENIED) this.#finish('revoked');
  }

  /** @param {End} end */
  #finish(end) {
    if (this.end) return;
    this.end = end;
    this.#stop();
    this.#emit('ended');
  }

  #stop() {
    this.#isOpen = false;
    this.#presence.leave();
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
