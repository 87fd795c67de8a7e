/**
 * REST access. Every function answers parsed JSON or throws a Problem or Unreachable, whose
 * `message` can be shown as it is.
 *
 * @typedef {{id: string, name: string}} Person
 * @typedef {{sku: string, name: string, quantity: number, unit_price: string}} Item
 * @typedef {'placed' | 'accepted' | 'preparing' | 'ready' | 'completed' | 'cancelled'} Status
 *
 * @typedef {object} Order
 * @property {string} id
 * @property {number} number
 * @property {number} version
 * @property {Status} status
 * @property {string} currency
 * @property {string | null} note
 * @property {Item[]} items
 * @property {string} total
 * @property {Person} owner
 * @property {Person[]} collaborators
 * @property {string} created_at
 * @property {string} updated_at
 *
 * @typedef {object} User
 * @property {string} id
 * @property {string} email
 * @property {string} name
 * @property {'admin' | 'staff' | 'customer'} role
 *
 * @typedef {{currency: string, note: string | null, items: Item[]}} NewOrder
 * @typedef {{people: {email: string, name: string, role: string}[], password: string}} Demo
 */

import { Problem, readJson } from './problems.js';
import { authorized } from './realtime/http.js';
import { accessToken, actingUser, forget } from './session.js';

const ROOT = '/api/v1';
const send = authorized({ getToken: accessToken });

/**
 * @typedef {object} Call
 * @property {string} [method]
 * @property {unknown} [body] sent as JSON
 * @property {Record<string, string>} [headers]
 */

/**
 * @param {string} path below /api/v1
 * @param {Call} [call]
 * @returns {Promise<{data: any, headers: Headers}>}
 */
export async function request(path, call = {}) {
  const { method = 'GET', body, headers = {} } = call;
  const asker = actingUser();
  const all = new Headers(headers);
  if (body !== undefined) all.set('Content-Type', 'application/json');
  const response = await send(ROOT + path, { method, headers: all, body: JSON.stringify(body) });
  // Somebody else who has signed in meanwhile was refused nothing.
  if (response.status === 401 && actingUser() === asker) forget();
  if (!response.ok) throw await Problem.from(response);
  return {
    data: response.status === 204 ? null : await readJson(response),
    headers: response.headers,
  };
}

/**
 * A call that may come later than the wish: it is made in the name of this user, or not at all.
 * @template {any[]} Given
 * @template Answer
 * @param {string} user the id
 * @param {(...given: Given) => Promise<Answer>} call
 * @returns {(...given: Given) => Promise<Answer>}
 */
export function onlyFor(user, call) {
  return async (...given) => {
    if (actingUser() !== user) throw new Problem(401, { code: 'unauthorized' }, 0);
    return call(...given);
  };
}

/** @returns {Promise<User>} */
export async function readMe() {
  return (await request('/users/me')).data;
}

/**
 * @param {NewOrder} order
 * @param {string} key the same for every repeat of the same wish, so that it is placed once
 * @returns {Promise<Order>}
 */
export async function placeOrder(order, key) {
  const headers = { 'Idempotency-Key': key };
  return (await request('/orders', { method: 'POST', body: order, headers })).data;
}

/**
 * Change an order as it was seen in `version`; a Problem with status 412 carries the `current` one.
 * @param {string} id
 * @param {number} version
 * @param {Partial<Pick<Order, 'status' | 'note' | 'items'>>} changes
 * @returns {Promise<{order: Order, merged: boolean}>} merged: on top of what others had changed
 */
export async function changeOrder(id, version, changes) {
  const headers = { 'If-Match': `"${version}"` };
  const answer = await request(`/orders/${id}`, { method: 'PATCH', body: changes, headers });
  return { order: answer.data, merged: answer.headers.get('Tandem-Merged') === 'true' };
}

/**
 * The people one can be with one click, where the server was seeded.
 * @returns {Promise<Demo | null>}
 */
export async function readDemo() {
  const response = await fetch('/demo').catch(() => null);
  return response?.ok ? response.json() : null;
}

/**
 * @typedef {{id: string, author: Person, text: string, created_at: string}} Comment
 * @typedef {import('./order-events.js').OrderEvent} OrderEvent
 */

/**
 * One order, and from where on its own channel tells what comes after.
 * @param {string} id
 * @returns {Promise<{order: Order, position: import('./realtime.js').Position}>}
 */
export async function readOrder(id) {
  const { data, headers } = await request(`/orders/${id}`);
  const [, epoch, offset] = (headers.get('Tandem-Position') ?? '').split(' ');
  return { order: data, position: { epoch, offset: Number(offset) } };
}

/** @param {string} id @returns {Promise<Comment[]>} oldest first */
export function readComments(id) {
  return readAll(`/orders/${id}/comments`);
}

/** @param {string} id @returns {Promise<OrderEvent[]>} oldest first */
export function readHistory(id) {
  return readAll(`/orders/${id}/history`);
}

/**
 * @param {string} id
 * @param {string} text
 * @param {string} key the same for every repeat, so that it is written once
 * @returns {Promise<Comment>}
 */
export async function writeComment(id, text, key) {
  const call = { method: 'POST', body: { text }, headers: { 'Idempotency-Key': key } };
  return (await request(`/orders/${id}/comments`, call)).data;
}

/** @param {string} email @returns {Promise<Person>} */
export async function findPerson(email) {
  return (await request(`/users/lookup?${new URLSearchParams({ email })}`)).data;
}

/** @param {string} id @param {string} person */
export async function shareOrder(id, person) {
  await request(`/orders/${id}/collaborators/${person}`, { method: 'PUT' });
}

/** @param {string} id @param {string} person */
export async function unshareOrder(id, person) {
  await request(`/orders/${id}/collaborators/${person}`, { method: 'DELETE' });
}

/** @param {string} path @returns {Promise<any[]>} the items of all pages */
async function readAll(path) {
  const items = [];
  let cursor = null;
  do {
    /** @type {Record<string, string>} */
    const query = cursor ? { limit: '200', cursor } : { limit: '200' };
    const { data } = await request(`${path}?${new URLSearchParams(query)}`);
    items.push(...data.items);
    cursor = data.next_cursor;
  } while (cursor);
  return items;
}
