import { el, icon, setText } from '../views/dom.js';
import { Light } from '../views/light.js';
import { counted, initials } from '../views/text.js';
import { MEASURES } from './measures.js';
import { Panel } from './panel.js';
import { WorkerCard } from './worker-card.js';

/**
 * @typedef {import('../api.js').User} User
 * @typedef {import('./workers.js').Worker} Worker
 */

const EXPLANATIONS = {
  reconnecting: 'Reconnecting. Until then the figures stand still.',
  offline: 'You are offline. The figures go on as soon as you are back.',
};

/** The whole page: the top bar, the measures of all workers together, and each worker. */
export class DashboardView {
  #summary = el('p', { class: 'summary', testid: 'summary', role: 'status' });
  #legend = el('ul', { class: 'legend', 'aria-label': 'Workers in the charts' });
  #waiting = el('p', { class: 'waiting' }, 'Waiting for the first figures…');
  #cards = el('div', { class: 'workers' });
  /** @type {Map<string, WorkerCard>} */
  #known = new Map();
  #panels;

  /** @param {User} user @param {{onRetry: () => void, onSignOut: () => void}} actions */
  constructor(user, { onRetry, onSignOut }) {
    this.light = new Light(EXPLANATIONS, onRetry);
    this.#panels = MEASURES.map((measure) => new Panel(measure, (nth) => this.#point(nth)));
    const title = el('h1', { class: 'ops-title' }, 'Operations');
    const head = el('div', { class: 'ops-head' }, title, this.#summary, this.#legend);
    const panels = el('div', { class: 'panels' }, ...this.#panels.map(({ node }) => node));
    const heading = el('h2', { class: 'ops-subtitle' }, 'Workers');
    const main = el('main', { class: 'ops' }, head, panels, heading, this.#waiting, this.#cards);
    this.node = el('div', {}, this.#topBar(user, onSignOut), this.light.banner, main);
    this.show([], Date.now());
  }

  /** @param {Worker[]} workers @param {number} now */
  show(workers, now) {
    this.#waiting.hidden = workers.length > 0;
    const { text, isBad } = summarize(workers);
    setText(this.#summary, text);
    this.#summary.dataset.bad = String(isBad);
    for (const panel of this.#panels) panel.show(workers, now);
    this.#showLegend(workers);
    this.#showCards(workers, now);
  }

  /** All charts point at the same second. @param {number | null} nth */
  #point(nth) {
    for (const panel of this.#panels) panel.point(nth);
  }

  /** @param {Worker[]} workers */
  #showLegend(workers) {
    const shown = workers.map(({ id, isSilent }) => `${id}${isSilent}`).join();
    if (shown === this.#legend.dataset.shown) return;
    this.#legend.dataset.shown = shown;
    const items = workers.map(({ name, colour, isSilent }) => {
      const swatch = el('i', { class: 'swatch', data: { colour } });
      return el('li', { data: { silent: String(isSilent) } }, swatch, name);
    });
    this.#legend.replaceChildren(...items);
  }

  /** @param {Worker[]} workers @param {number} now */
  #showCards(workers, now) {
    const ids = workers.map(({ id }) => id);
    for (const [id, card] of this.#known) {
      if (ids.includes(id)) continue;
      card.node.remove();
      this.#known.delete(id);
    }
    workers.forEach((worker, nth) => {
      const card = this.#known.get(worker.id) ?? new WorkerCard(worker);
      this.#known.set(worker.id, card);
      const place = this.#cards.children[nth] ?? null;
      if (place !== card.node) this.#cards.insertBefore(card.node, place);
      card.show(worker, now);
    });
  }

  /** @param {User} user @param {() => void} onSignOut */
  #topBar({ name }, onSignOut) {
    const mark = el('img', { src: '/static/art/mark.svg', alt: '', width: 28, height: 28 });
    const brand = el('p', { class: 'wordmark' }, mark, el('span', {}, 'Tandem'));
    const board = el('a', { class: 'button to-board', href: '/', testid: 'to-board' }, 'Board');
    const avatar = el('span', { class: 'avatar', 'aria-hidden': 'true' }, initials(name));
    const role = el('span', { class: 'who-role' }, 'Admin');
    const full = el('span', { class: 'who-name', title: name }, name);
    const text = el('div', { class: 'who-text' }, full, role);
    const who = el('div', { class: 'who' }, avatar, text);
    const label = { 'aria-label': 'Sign out', title: 'Sign out', on: { click: onSignOut } };
    const props = { class: 'button icon-only', type: 'button', testid: 'sign-out', ...label };
    const leave = el('button', props, icon('leave'));
    return el('header', { class: 'top-bar' }, brand, this.light.node, board, who, leave);
  }
}

/** What matters most, as one sentence. @param {Worker[]} workers */
function summarize(workers) {
  const present = workers.filter(({ isSilent }) => !isSilent);
  if (!present.length) return { text: workers.length ? 'No worker answers' : '', isBad: true };
  const troubles = [
    trouble('Redis is down', present, ({ latest }) => !latest.redis_up),
    trouble('Postgres is down', present, ({ latest }) => !latest.postgres_up),
    trouble('Draining', present, ({ latest }) => latest.draining),
    trouble('Silent', workers, ({ isSilent }) => isSilent),
  ].filter((sentence) => sentence !== '');
  const isBad = troubles.length > 0;
  const state = isBad ? troubles.join(' · ') : 'all well';
  return { text: `${counted(present.length, 'worker')} · ${state}`, isBad };
}

/** @param {string} what @param {Worker[]} workers @param {(worker: Worker) => boolean} concerns */
function trouble(what, workers, concerns) {
  const names = workers.filter(concerns).map(({ name }) => name);
  if (!names.length) return '';
  const everywhere = names.length === workers.length && workers.length > 1;
  return everywhere ? `${what} at all workers` : `${what}: ${names.join(', ')}`;
}
