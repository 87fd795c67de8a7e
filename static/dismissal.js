import { accessToken, readSession } from './session.js';

/** How long to wait before asking a server again that has sent us away. */
const PAUSE = 5000;
/**
 * Windows that the network has cut off are counted until the server misses them, for up to half a
 * minute. Those that are sent away for them come back spread over as long again.
 */
const CROWDED_PAUSE = 30_000;

const CROWDED = 3504;
/** Nobody is signed in, a token or a handshake came too late, or a person was disconnected. */
const PASSING = [0, 3500, 3502, 3503];

const RESTRICTED =
  'Too many windows of Tandem are open with this account. Close some, then connect.';
const INCOMPATIBLE = 'This page no longer understands the server. Please reload it.';

/**
 * What a page does when the server has sent it away: it comes back by itself where that may help,
 * and else says why it does not.
 */
export class Dismissal {
  #client;
  #light;
  #onSignedOut;
  #isOpen = true;
  /** @type {any} */
  #timer = null;

  /**
   * @param {import('./realtime.js').RealtimeClient} client
   * @param {import('./views/light.js').Light} light
   * @param {(reason: string) => void} onSignedOut
   */
  constructor(client, light, onSignedOut) {
    this.#client = client;
    this.#light = light;
    this.#onSignedOut = onSignedOut;
    client.addEventListener('terminated', (event) => {
      this.#take(/** @type {CustomEvent} */ (event).detail);
    });
  }

  close() {
    this.#isOpen = false;
    clearTimeout(this.#timer);
  }

  /** @param {{code: number}} closed */
  async #take({ code }) {
    if (!this.#isOpen) return;
    if (code === CROWDED) {
      this.#light.showEnd(RESTRICTED);
      return this.#comeBackIn(CROWDED_PAUSE * (1 + Math.random()));
    }
    if (!PASSING.includes(code)) return this.#light.showEnd(INCOMPATIBLE);
    if (!(await this.#isSignedOut())) this.#comeBackIn(PAUSE);
  }

  /** @param {number} pause milliseconds */
  #comeBackIn(pause) {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#isOpen && this.#client.connect(), pause);
  }

  /** The socket was refused: is it only the token, or the whole session? */
  async #isSignedOut() {
    const token = await accessToken(readSession()?.access).catch(() => '');
    if (token !== null || !this.#isOpen) return false;
    this.#onSignedOut('Your session has ended. Please sign in again.');
    return true;
  }
}
