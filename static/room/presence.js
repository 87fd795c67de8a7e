/**
 * The channel of one order: its events, who is there, and what they are editing.
 *
 * @typedef {import('../realtime.js').RealtimeClient} RealtimeClient
 * @typedef {import('../realtime.js').Position} Position
 * @typedef {import('./people.js').ClientInfo} ClientInfo
 *
 * @typedef {object} Handlers
 * @property {(event: any) => void} onEvent
 * @property {() => void} onGap
 * @property {(code: number) => void} onEnd
 * @property {() => void} onPeople
 * @property {() => void} onEditing
 */

import { Editing, EditingSignal } from './editing.js';
import { People } from './people.js';

/** Presence that could not be had is asked for again. */
const PAUSE = 5000;

export class Presence {
  #client;
  #name;
  #me;
  #handlers;
  /** @type {import('../realtime/channel.js').Channel | null} */
  #channel = null;
  #isOpen = true;
  /** @type {any} */
  #timer = null;

  /**
   * @param {RealtimeClient} client
   * @param {string} name
   * @param {string} me the id of this person
   * @param {Handlers} handlers
   */
  constructor(client, name, me, handlers) {
    this.#client = client;
    this.#name = name;
    this.#me = me;
    this.#handlers = handlers;
    this.people = new People(handlers.onPeople);
    this.editing = new Editing(handlers.onEditing);
    this.signal = new EditingSignal((field) => this.#tell(field));
  }

  /** Once; it goes on by itself after that. @param {Position} position */
  async follow(position) {
    await this.#client.connected();
    if (!this.#isOpen || this.#channel) return;
    const channel = this.#client.subscribe(this.#name, { position, joinLeave: true });
    this.#channel = channel;
    for (const [type, listener] of Object.entries(this.#listeners)) {
      channel.addEventListener(type, listener);
    }
    if (channel.state === 'subscribed') this.#ask();
  }

  leave() {
    this.signal.close();
    this.#isOpen = false;
    clearTimeout(this.#timer);
    this.people.reset({});
    this.editing.dropUnless(() => false);
    const channel = this.#channel;
    this.#channel = null;
    if (!channel) return;
    for (const [type, listener] of Object.entries(this.#listeners)) {
      channel.removeEventListener(type, listener);
    }
    this.#client.unsubscribe(channel.name);
  }

  /** @type {Record<string, (event: any) => void>} */
  #listeners = {
    subscribed: () => this.#ask(),
    publication: ({ detail }) => this.#hear(detail),
    gap: () => this.#handlers.onGap(),
    unsubscribed: ({ detail }) => this.#handlers.onEnd(detail.code),
    join: ({ detail }) => this.#joined(detail),
    leave: ({ detail }) => this.#left(detail),
  };

  /** Whoever came or went before the answer is in it; whoever does later is told of. */
  async #ask() {
    clearTimeout(this.#timer);
    try {
      const { presence } = await this.#client.request('presence', { channel: this.#name });
      if (!this.#isOpen) return;
      this.people.reset(presence);
      this.editing.dropUnless((client) => this.people.has(client));
    } catch {
      if (!this.#isOpen || this.#channel?.state !== 'subscribed') return;
      this.people.forget();
      this.#timer = setTimeout(() => this.#ask(), PAUSE);
    }
  }

  /** @param {ClientInfo} info */
  #joined(info) {
    this.people.join(info);
    if (info.user !== this.#me) this.signal.repeat();
  }

  /** @param {ClientInfo} info */
  #left(info) {
    this.people.leave(info);
    this.editing.drop(info.client);
  }

  /** A signal has a sender; all else is an event. @param {any} publication */
  #hear({ data, info }) {
    if (info) this.editing.take(info, data.editing ?? null);
    else this.#handlers.onEvent(data);
  }

  /** @param {string | null} field */
  #tell(field) {
    const signal = { channel: this.#name, data: { editing: field } };
    // One that is lost is repeated, or ends by itself where it is seen.
    this.#client.request('publish', signal).catch(() => {});
  }
}
