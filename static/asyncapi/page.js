/** The page: a sidebar, and a section for the socket, for each channel, and for the codes. */

import { el } from '../views/dom.js';
import { CODE_SECTIONS, codes } from './codes.js';
import { keysOf, message } from './message.js';

const SOCKET = 'ws';
const ERROR = 'ErrorReply';

/** @param {any} document */
export function page(document) {
  return el(
    'div',
    { class: 'reference' },
    sidebar(document),
    el(
      'main',
      {},
      introduction(document),
      ...channels(document),
      ...socket(document),
      ...codes(document),
    ),
  );
}

// ----------------------------------------------------------------------- sidebar

/** @param {any} document */
function sidebar(document) {
  const listed = channelKeys(document).map((key) => {
    return { id: `channel-${key}`, title: document.channels[key].title };
  });
  return el(
    'nav',
    { class: 'sidebar', ariaLabel: 'Contents' },
    el(
      'a',
      { class: 'wordmark', href: '/' },
      el('img', { src: '/static/art/mark.svg', alt: '', width: 28, height: 28 }),
      'Tandem',
    ),
    links('Channels', listed),
    links('The socket', [
      { id: 'commands', title: 'Commands and replies' },
      { id: 'pushes', title: 'Pushes and pings' },
    ]),
    links('Codes', CODE_SECTIONS),
    links('See also', [
      { href: '/docs', title: 'REST API' },
      { href: '/asyncapi.json', title: 'asyncapi.json' },
    ]),
  );
}

/** @param {string} title @param {{id?: string, href?: string, title: string}[]} entries */
function links(title, entries) {
  const items = entries.map((each) =>
    el('li', {}, el('a', { href: each.href ?? `#${each.id}` }, each.title)),
  );
  return el('div', { class: 'group' }, el('h2', {}, title), el('ol', {}, ...items));
}

// ---------------------------------------------------------------------- sections

/** @param {any} document */
function introduction({ info }) {
  return el(
    'header',
    {},
    el('h1', {}, info.title),
    el('p', { class: 'soft' }, `AsyncAPI 3.0, version ${info.version}`),
    el('p', {}, info.description.replaceAll('`', '')),
  );
}

/** @param {any} document @returns {string[]} */
function channelKeys(document) {
  return Object.keys(document.channels).filter((key) => key !== SOCKET);
}

/** @param {any} document */
function channels(document) {
  return channelKeys(document).map((key) => {
    const channel = document.channels[key];
    const heard = keysOf(document, document.operations[`hear_${key}`] ?? {});
    return el(
      'section',
      { id: `channel-${key}`, testid: `channel-${key}` },
      el('h2', {}, el('code', {}, channel.address)),
      el('p', {}, el('strong', {}, 'Who may subscribe: '), channel['x-subscribers']),
      ...Object.keys(channel.messages).map((name) =>
        message(document, name, heard.includes(name) ? 'subscribers' : 'server'),
      ),
    );
  });
}

/** @param {any} document */
function socket(document) {
  const { server_ping: ping, pong: _pong, push, ...others } = document.operations;
  const commands = Object.values(others).filter(
    (each) => each.channel.$ref === `#/channels/${SOCKET}`,
  );
  return [
    el(
      'section',
      { id: 'commands' },
      el('h2', {}, 'Commands and replies'),
      ...commands.flatMap((each) => exchange(document, each)),
      message(document, ERROR, 'server'),
    ),
    el(
      'section',
      { id: 'pushes' },
      el('h2', {}, 'Pushes and pings'),
      ...shown(document, push, 'server'),
      ...shown(document, ping, 'both'),
    ),
  ];
}

/**
 * A command, and what it is answered with when all is well.
 * @param {any} document @param {any} operation
 */
function exchange(document, operation) {
  const answered = keysOf(document, operation.reply ?? {}).filter((key) => key !== ERROR);
  return [
    ...shown(document, operation, 'client'),
    ...answered.map((key) => message(document, key, 'server')),
  ];
}

/** @param {any} document @param {any} operation @param {string} from */
function shown(document, operation, from) {
  return keysOf(document, operation).map((key) => message(document, key, from));
}
