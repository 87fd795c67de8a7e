/**
 * The life of an order, and who may move it. The server decides; this only keeps buttons away
 * that it would refuse.
 *
 * @typedef {import('./api.js').Order} Order
 * @typedef {import('./api.js').Status} Status
 * @typedef {import('./api.js').User} User
 * @typedef {{status: Status, label: string, isMain: boolean}} Move
 */

/** @type {readonly Status[]} in the order of the columns */
export const STATUSES = ['placed', 'accepted', 'preparing', 'ready', 'completed', 'cancelled'];

/** @type {Record<Status, string>} */
export const STATUS_NAMES = {
  placed: 'Placed',
  accepted: 'Accepted',
  preparing: 'Preparing',
  ready: 'Ready',
  completed: 'Completed',
  cancelled: 'Cancelled',
};

/** @type {Partial<Record<Status, {status: Status, label: string}>>} */
const NEXT = {
  placed: { status: 'accepted', label: 'Accept' },
  accepted: { status: 'preparing', label: 'Prepare' },
  preparing: { status: 'ready', label: 'Mark ready' },
  ready: { status: 'completed', label: 'Complete' },
};

/** @param {User} user */
export function isStaff(user) {
  return user.role !== 'customer';
}

/**
 * What this person may do with this order now.
 * @param {Order} order
 * @param {User} user
 * @returns {Move[]}
 */
export function movesFor(order, user) {
  /** @type {Move[]} */
  const moves = [];
  const next = NEXT[order.status];
  if (next && isStaff(user)) moves.push({ ...next, isMain: true });
  if (mayCancel(order, user)) moves.push({ status: 'cancelled', label: 'Cancel', isMain: false });
  return moves;
}

/** Whether note and items may still change. @param {Order} order */
export function isEditable({ status }) {
  return status !== 'completed' && status !== 'cancelled';
}

/** Who may let others see an order. @param {Order} order @param {User} user */
export function mayShare(order, user) {
  return isStaff(user) || order.owner.id === user.id;
}

/** @param {Order} order @param {User} user */
function mayCancel(order, user) {
  if (!isEditable(order)) return false;
  return isStaff(user) || (order.owner.id === user.id && order.status === 'placed');
}
