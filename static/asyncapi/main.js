/** The AsyncAPI document of the socket, as a page to read. */

import { el } from '../views/dom.js';
import { page } from './page.js';

const app = /** @type {HTMLElement} */ (document.getElementById('app'));

try {
  const answer = await fetch('/asyncapi.json');
  if (!answer.ok) throw new Error(`/asyncapi.json: ${answer.status}`);
  app.replaceChildren(page(await answer.json()));
  if (location.hash) document.getElementById(location.hash.slice(1))?.scrollIntoView();
} catch (error) {
  const reason = error instanceof Error ? error.message : String(error);
  app.replaceChildren(el('p', { class: 'failure' }, `The document could not be read: ${reason}`));
}
