/**
 * The dashboard: follows `ops` and shows what the workers say of themselves.
 *
 * @typedef {import('../api.js').User} User
 *
 * @typedef {object} Outside what the dashboard asks of the page it is part of
 * @property {(reason?: string) => void} onSignedOut
 * @property {() => void} onSignOut
 * @property {() => void} onRightsChanged
 */

import { Dismissal } from '../dismissal.js';
import { RealtimeClient } from '../realtime.js';
import { accessToken } from '../session.js';
import { DashboardView } from './dashboard-view.js';
import { Workers } from './workers.js';

const CHANNEL = 'ops';
const SECOND = 1000;
/** A worker may not know of new rights yet: ask again, but not at once. */
const RIGHTS_PAUSE = 1000;

export class Dashboard {
  #user;
  #outside;
  #client = new RealtimeClient({ url: '/ws', getToken: accessToken, name: 'tandem-ops' });
  #workers = new Workers();
  #view;
  #dismissal;
  #isOpen = true;
  /** @type {any} */
  #tick = null;

  /** @param {User} user @param {Outside} outside */
  constructor(user, outside) {
    this.#user = user;
    this.#outside = outside;
    this.#view = new DashboardView(user, {
      onRetry: () => this.#client.connect(),
      onSignOut: outside.onSignOut,
    });
    this.node = this.#view.node;
    this.#dismissal = new Dismissal(this.#client, this.#view.light, outside.onSignedOut);
  }

  open() {
    on(this.#client, 'state', (state) => this.#stateChanged(state));
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
    this.#dismissal.close();
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
}

/** @param {EventTarget} target @param {string} type @param {(detail: any) => void} callback */
function on(target, type, callback) {
  target.addEventListener(type, (event) => callback(/** @type {CustomEvent} */ (event).detail));
}
