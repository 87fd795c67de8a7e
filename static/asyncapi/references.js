/** Where `$ref` points to, within the document. */

/**
 * @param {any} document
 * @param {any} value an object that may be a reference, in several steps
 * @returns {any}
 */
export function resolve(document, value) {
  let found = value;
  while (found && found.$ref) {
    const steps = found.$ref.replace('#/', '').split('/');
    found = steps.reduce((/** @type {any} */ at, /** @type {any} */ step) => at?.[step], document);
  }
  return found;
}

/** The last step of a reference: a schema's or a message's name. @param {string} reference */
export function nameOf(reference) {
  return reference.slice(reference.lastIndexOf('/') + 1);
}
