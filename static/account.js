/**
 * The account of the person who is signed in, kept as it is at present: their name and rights.
 *
 * @typedef {import('./api.js').User} User
 */

import { readMe } from './api.js';
import { Problem } from './problems.js';
import { Backoff } from './realtime/backoff.js';
import { sleep } from './realtime/pages.js';

export class OwnAccount {
  #id;
  #version = 0;
  #onChange;
  #isOpen = true;
  /** Raised by each reading, so that one overtaken by another is dropped. */
  #reading = 0;

  /**
   * @param {import('./realtime.js').RealtimeClient} client
   * @param {string} id of the user
   * @param {(user: User) => void} onChange
   */
  constructor(client, id, onChange) {
    this.#id = id;
    this.#onChange = onChange;
    const channel = client.channel(`users:${id}`);
    on(channel, 'subscribed', ({ recovered }) => recovered || this.#read());
    on(channel, 'publication', ({ data }) => this.#take(data.user));
  }

  close() {
    this.#isOpen = false;
  }

  /** What the channel has not told; of a restored database it may be an older version. */
  async #read() {
    const reading = ++this.#reading;
    const isWanted = () => this.#isOpen && reading === this.#reading;
    const backoff = new Backoff({ minimum: 500, maximum: 20_000 });
    this.#version = 0;
    while (isWanted()) {
      const user = await readMe().catch(nullIfRefused);
      if (user !== undefined) return isWanted() ? this.#take(user) : undefined;
      await sleep(backoff.next());
    }
  }

  /** @param {any} user from an event or an answer */
  #take(user) {
    if (!this.#isOpen || user?.id !== this.#id || user.version <= this.#version) return;
    this.#version = user.version;
    this.#onChange(user);
  }
}

/** @param {unknown} error @returns {null | undefined} undefined: worth another try */
function nullIfRefused(error) {
  return error instanceof Problem && [401, 403, 404].includes(error.status) ? null : undefined;
}

/** @param {EventTarget} target @param {string} type @param {(detail: any) => void} callback */
function on(target, type, callback) {
  target.addEventListener(type, (event) => callback(/** @type {CustomEvent} */ (event).detail));
}
