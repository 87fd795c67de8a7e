import { el, icon, setText } from './dom.js';
import { initials } from './text.js';

/** @typedef {import('../api.js').User} User */

const ROLES = { admin: 'Admin', staff: 'Staff', customer: 'Customer' };

/** Name, connection, who is signed in, and what can be done from anywhere. */
export class TopBar {
  #name = el('span', { class: 'who-name', testid: 'user-name' });
  #role = el('span', { class: 'who-role' });
  #avatar = el('span', { class: 'avatar', 'aria-hidden': 'true' });
  #operations = el(
    'a',
    { class: 'button to-ops', href: '/ops', testid: 'to-ops', title: 'Operations' },
    icon('pulse'),
    el('span', {}, 'Operations'),
  );

  /**
   * @param {HTMLElement} connection
   * @param {HTMLElement} tools
   * @param {{onNewOrder: () => void, onSignOut: () => void}} actions
   */
  constructor(connection, tools, { onNewOrder, onSignOut }) {
    const mark = el('img', { src: '/static/art/mark.svg', alt: '', width: 28, height: 28 });
    const brand = el('p', { class: 'wordmark' }, mark, el('span', {}, 'Tandem'));
    const who = el('div', { class: 'who-text' }, this.#name, this.#role);
    this.node = el(
      'header',
      { class: 'top-bar' },
      brand,
      connection,
      tools,
      this.#operations,
      newOrderButton(onNewOrder),
      el('div', { class: 'who' }, this.#avatar, who),
      signOutButton(onSignOut),
    );
  }

  /** @param {User} user */
  show({ name, role }) {
    setText(this.#name, name);
    this.#name.title = name;
    setText(this.#role, ROLES[role]);
    setText(this.#avatar, initials(name));
    this.#avatar.dataset.role = role;
    this.#operations.hidden = role !== 'admin';
  }
}

/** @param {() => void} onClick */
function newOrderButton(onClick) {
  const props = {
    class: 'button main new-order',
    type: 'button',
    testid: 'new-order',
    on: { click: onClick },
  };
  return el('button', props, icon('plus'), el('span', {}, 'New order'));
}

/** @param {() => void} onClick */
function signOutButton(onClick) {
  const props = { class: 'button icon-only', type: 'button', testid: 'sign-out' };
  const label = { 'aria-label': 'Sign out', title: 'Sign out', on: { click: onClick } };
  return el('button', { ...props, ...label }, icon('leave'));
}
