import { el } from '../dom.js';

/**
 * The way out of an editor, both ways.
 * @param {{save: () => void, cancel: () => void}} field
 * @param {{save: string, testid: string}} names
 */
export function editorButtons(field, { save, testid }) {
  const main = { class: 'button main small', type: 'button', testid: `save-${testid}` };
  const quiet = { class: 'button small', type: 'button', testid: `cancel-${testid}` };
  const submit = el('button', { ...main, on: { click: () => field.save() } }, save);
  const cancel = el('button', { ...quiet, on: { click: () => field.cancel() } }, 'Cancel');
  return { node: el('div', { class: 'editor-buttons' }, submit, cancel), main: submit };
}
