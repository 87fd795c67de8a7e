/** A schema as a table: its fields, what they are, and those of what they hold below them. */

import { el } from '../views/dom.js';
import { nameOf, resolve } from './references.js';

const DEPTH = 4;

/** @typedef {{path: string, required: boolean, type: string, about: string}} Row */

/** @param {any} document @param {any} schema */
export function schemaTable(document, schema) {
  const rows = fieldsOf(document, schema, '', 0);
  if (!rows.length) return el('p', { class: 'soft' }, 'No fields.');
  return el(
    'div',
    { class: 'scroll' },
    el(
      'table',
      { class: 'fields' },
      el(
        'thead',
        {},
        el('tr', {}, ...['Field', 'Type', 'What it holds'].map((name) => el('th', {}, name))),
      ),
      el('tbody', {}, ...rows.map(row)),
    ),
  );
}

/** @param {Row} field */
function row({ path, required, type, about }) {
  const depth = path.split('.').length - 1;
  const name = el('code', { class: 'field' }, path.slice(path.lastIndexOf('.') + 1));
  return el(
    'tr',
    { data: { depth: String(depth) } },
    el('td', {}, name, required ? el('span', { class: 'required' }, 'required') : null),
    el('td', {}, el('code', { class: 'type' }, type)),
    el('td', {}, about),
  );
}

/**
 * @param {any} document @param {any} schema @param {string} path @param {number} depth
 * @returns {Row[]}
 */
function fieldsOf(document, schema, path, depth) {
  const found = heldBy(document, schema);
  if (!found?.properties || depth >= DEPTH) return [];
  const required = new Set(found.required ?? []);
  return Object.entries(found.properties).flatMap(([name, field]) => {
    const here = path ? `${path}.${name}` : name;
    const type = typeOf(document, field);
    const about = aboutOf(document, field);
    const one = { path: here, required: required.has(name), type, about };
    return [one, ...fieldsOf(document, field, here, depth + 1)];
  });
}

/** What has the fields: the schema itself, one of its kinds, or what an array holds of it. */
function heldBy(/** @type {any} */ document, /** @type {any} */ schema) {
  let found = resolve(document, schema);
  if (found?.anyOf) found = resolve(document, found.anyOf.find(isNotNull));
  if (found?.type === 'array' && !isTuple(found)) found = resolve(document, found.items);
  return found;
}

/** @param {any} schema */
function isNotNull(schema) {
  return schema.type !== 'null';
}

/** @param {any} schema */
function isTuple(schema) {
  return Array.isArray(schema.items);
}

/** @param {any} document @param {any} schema @returns {string} */
function typeOf(document, schema) {
  if (schema.anyOf) {
    return schema.anyOf.map((/** @type {any} */ one) => typeOf(document, one)).join(' | ');
  }
  const found = resolve(document, schema);
  if (found.const !== undefined) return JSON.stringify(found.const);
  if (found.enum) return found.type === 'string' ? 'string' : 'integer';
  if (isTuple(found)) return `[${found.items.map(typeOf.bind(null, document)).join(', ')}]`;
  if (found.type === 'array') return `${typeOf(document, found.items ?? {})}[]`;
  if (schema.$ref) return nameOf(schema.$ref);
  if (found.additionalProperties?.type || found.additionalProperties?.$ref) {
    return `map of ${typeOf(document, found.additionalProperties)}`;
  }
  if (found.format) return `${found.type} (${found.format})`;
  return found.type ?? 'anything';
}

/** @param {any} document @param {any} field */
function aboutOf(document, field) {
  const found = resolve(document, field);
  const parts = [field.description ?? found.description ?? ''];
  if (found.enum) parts.push(`One of ${found.enum.join(', ')}.`);
  if (found.const === undefined && field.default) {
    parts.push(`Without it: ${JSON.stringify(field.default)}.`);
  }
  return parts.filter(Boolean).join(' ');
}
