/**
 * Building DOM without markup: text only ever becomes a text node, so nothing that a user typed
 * can become HTML.
 *
 * @typedef {Node | string | null | undefined | false} Child
 * @typedef {Record<string, any>} Props
 */

/**
 * `class`, `testid`, `data` and `on` are special; any other name is set as a property where the
 * element has one, else as an attribute. null and undefined are left out.
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Props} [props]
 * @param {...Child} children
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function el(tag, props = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (value !== undefined && value !== null) set(node, name, value);
  }
  node.append(.../** @type {(Node | string)[]} */ (children.filter((c) => c || c === '')));
  return node;
}

/** @param {HTMLElement} node @param {string} name @param {any} value */
function set(node, name, value) {
  if (name === 'class') node.className = value;
  else if (name === 'testid') node.dataset.testid = value;
  else if (name === 'data') Object.assign(node.dataset, value);
  else if (name === 'on') listen(node, value);
  else if (name in node) /** @type {any} */ (node)[name] = value;
  else node.setAttribute(name, value === true ? '' : value);
}

/** @param {HTMLElement} node @param {Record<string, EventListener>} listeners */
function listen(node, listeners) {
  for (const [type, listener] of Object.entries(listeners)) node.addEventListener(type, listener);
}

/**
 * Set a text only if it differs: an untouched node costs no layout and no screen reader's breath.
 * @param {Node} node
 * @param {string} text
 */
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/**
 * Whether a key belongs to an input method: its Enter takes a word, its Escape drops one. Safari
 * ends the composition before it tells of the key, and leaves only the code.
 * @param {KeyboardEvent} event
 */
export function isComposing(event) {
  return event.isComposing || event.keyCode === 229;
}

const SVG = 'http://www.w3.org/2000/svg';

/** Outlines on a grid of 24, drawn in the colour of the text around them. */
const ICONS = {
  plus: 'M12 5v14M5 12h14',
  close: 'M6 6l12 12M18 6L6 18',
  leave: 'M14 4h4a2 2 0 0 1 2 2v12a2 2 0 0 1-2 2h-4M10 16l4-4-4-4M14 12H4',
  search: 'M10.5 17a6.5 6.5 0 1 0 0-13 6.5 6.5 0 0 0 0 13zM15.2 15.2L20 20',
  note: 'M5 5h14v9l-5 5H5zM14 19v-5h5',
  people:
    'M9 11a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7zM3 20c0-3.3 2.7-6 6-6s6 2.7 6 6M16 4.5a3.5 3.5 0 0 1 0 6M17.5 14.5c2.1.9 3.5 3 3.5 5.5',
  arrow: 'M5 12h14M13 6l6 6-6 6',
  pencil: 'M4 20l1-4.5L16 4.5a2 2 0 0 1 2.9 0l.6.6a2 2 0 0 1 0 2.9L8.5 19z',
  send: 'M4 12l16-7-6 16-3.2-6.2zM10.8 14.8L20 5',
  pulse: 'M3 12h4l3-8 4 16 3-8h4',
  box: 'M4 8l8-4 8 4v8l-8 4-8-4zM4 8l8 4 8-4M12 12v8',
};

/** @param {keyof typeof ICONS} name */
export function icon(name) {
  const svg = document.createElementNS(SVG, 'svg');
  svg.setAttribute('viewBox', '0 0 24 24');
  svg.setAttribute('class', 'icon');
  svg.setAttribute('aria-hidden', 'true');
  const path = document.createElementNS(SVG, 'path');
  path.setAttribute('d', ICONS[name]);
  svg.append(path);
  return svg;
}

/**
 * Bring the children of a node into line with the least moving: a moved node loses its focus.
 * @param {Element} parent
 * @param {Element[]} wanted
 */
export function arrange(parent, wanted) {
  const keep = new Set(wanted);
  for (const node of [...parent.children]) if (!keep.has(node)) node.remove();
  let next = parent.firstElementChild;
  for (const node of wanted) {
    if (node === next) next = next.nextElementSibling;
    else parent.insertBefore(node, next);
  }
}
