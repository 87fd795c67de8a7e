/** The server knows a key for a day; a little earlier, nothing is sent again unasked. */
const KNOWN = 20 * 60 * 60 * 1000;

/**
 * Whether what was sent with a key may be sent with it again, and is done once.
 * @param {number} at when it was sent first, by this browser's clock
 */
export function isKnown(at) {
  return Date.now() - at < KNOWN;
}

/** A key that nobody else has. crypto.randomUUID exists on secure pages only. */
export function randomKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
