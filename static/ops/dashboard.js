/**
 * The dashboard: follows `ops` and shows what the workers say of themselves.
 *
 * @typedef {import('../api.js').User} User
 *
 * @typedef {object} Outside what the dashboard asks of the page it is part of
 * @property {(reason?: string) => void} onSignedOut
 * @property {() => void} onRightsChanged
 */

import { RealtimeClient } from '../realtime.js';
import { accessToken, readSession, signOut } from '../session.js';
import { DashboardView } from './dashboard-view.js';
import { Workers } from './workers.js';

const CHANNEL = 'ops';
const SECOND = 1000;
/** How long to wait before asking a server again that has sent us away. */
const PAUSE = 5000;
/** A worker may not know of new rights yet: ask again, but not at once. */
const RIGHTS_PAUSE = 1000;

const RESTRICTED =
  'Too many windows of Tandem are open with this account. Close some, then connect.';
const INCOMPATIBLE = 'This page no longer understands the server. Please reload it.';

export class Dashboard {
  #user;
  #outside;
  #client = new RealtimeClient({ url: '/ws', getToken: accessToken, name: 'tandem-ops' });
  #workers = new Workers();
  #view;
  #isOpen = true;
  /** @type {any} */
  #tick = null;

  /** @param {User} user @param {Outside} outside */
  constructor(user, outside) {
    this.#user = user;
    this.#outside = outside;
    this.#view = new DashboardView(user, {
      onRetry: () => this.#client.connect(),
      onSignOut: () => this.#signOut(),
    });
    this.node = this.#view.node;
  }

  open() {
    on(this.#client, 'state', (state) => this.#stateChanged(state));
    on(this.#client, 'terminated', (closed) => this.#terminated(closed));
    const own = this.#client.channel(`users:${this.#user.id}`);
    on(own, 'publication', ({ data }) => this.#userChanged(data));
    const channel = this.#client.subscribe(CHANNEL);
    on(channel, 'publication', ({ data, receivedAt }) => this.#workers.take(data, receivedAt));
    on(channel, 'unsubscribed', () => this.#refused());
    this.#client.connect();
    this.#tick = setInterval(() => this.#show(), SECOND);
  }

  close() {
    this.#isOpen = false;
    clearInterval(this.#tick);
    this.#client.dispose();
  }

  #show() {
    const now = Date.now();
    this.#view.show(this.#workers.present(now), now);
  }

  /** @param {import('../realtime.js').State} state */
  #stateChanged(state) {
    this.#view.light.show(state);
    this.#workers.listen(state === 'live', Date.now());
    this.#show();
  }

  /** @param {any} event */
  #userChanged({ user }) {
    if (user?.id === this.#user.id && user.role !== this.#user.role) this.#refused();
  }

  #refused() {
    setTimeout(() => this.#isOpen && this.#outside.onRightsChanged(), RIGHTS_PAUSE);
  }

  /** @param {{code: number}} closed */
  async #terminated({ code }) {
    if (!this.#isOpen) return;
    if (code === 3504) return this.#view.light.showEnd(RESTRICTED);
    if (code !== 0 && code !== 3500 && code !== 3503) return this.#view.light.showEnd(INCOMPATIBLE);
    const token = await accessToken(readSession()?.access).catch(() => '');
    if (!this.#isOpen) return;
    if (token === null) this.#outside.onSignedOut('Your session has ended. Please sign in again.');
    else setTimeout(() => this.#isOpen && this.#client.connect(), PAUSE);
  }

  #signOut() {
    this.close();
    signOut();
    this.#outside.onSignedOut();
  }
}

/** @param {EventTarget} target @param {string} type @param {(detail: any) => void} callback */
function on(target, type, callback) {
  target.addEventListener(type, (event) => callback(/** @type {CustomEvent} */ (event).detail));
}
