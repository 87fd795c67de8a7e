import { formatMoney } from '../../money.js';
import { nameField, nameFields } from '../../room/sentences.js';
import { ago, exactly } from '../../time.js';
import { Dialog } from '../dialog.js';
import { el } from '../dom.js';
import { avatar } from './avatar.js';
import { nameOf } from './texts.js';

/**
 * @typedef {import('../../api.js').Person} Person
 * @typedef {import('../../problems.js').FieldConflict} FieldConflict
 * @typedef {import('../../room/edits.js').Choice} Choice
 * @typedef {Record<string, Choice>} Choices
 */

let count = 0;
/** @type {Set<Dialog>} each edit that is on its way may meet a conflict of its own */
const shown = new Set();

/** There is nothing to choose any more. */
export function withdrawQuestions() {
  for (const dialog of shown) dialog.close();
}

/**
 * Two people changed the same: both versions side by side, to choose from field by field.
 * @param {FieldConflict[]} conflicts
 * @param {Person} me
 * @param {string} currency
 * @returns {Promise<Choices | null>} null: not now
 */
export function askWhich(conflicts, me, currency) {
  return new Promise((resolve) => {
    /** @type {Choices | null} */
    let answer = null;
    const onClose = () => {
      shown.delete(dialog);
      resolve(answer);
    };
    const dialog = new Dialog({ kind: 'window', testid: 'conflict', onClose });
    const form = el('form', { class: 'conflict', id: `conflict-${++count}` });
    form.append(
      el('p', { class: 'conflict-lead' }, lead(conflicts, me)),
      ...conflicts.map((conflict) => fieldset(conflict, me, currency)),
    );
    const save = saveButton(form.id);
    const showState = () => save.show(unchosen(form, conflicts) === null);
    form.addEventListener('change', showState);
    form.addEventListener('submit', (event) => {
      event.preventDefault();
      const left = unchosen(form, conflicts);
      if (left) return left.focus();
      answer = choicesOf(form, conflicts);
      dialog.close();
    });
    dialog.title = 'Which version should it be?';
    dialog.mayCloseFromBeside = () => false;
    dialog.node.classList.add('conflict-dialog');
    dialog.body.append(form);
    dialog.foot.append(save.why, backButton(() => dialog.close()), save.node);
    showState();
    shown.add(dialog);
    dialog.open();
    unchosen(form, conflicts)?.focus();
  });
}

/** @param {FieldConflict[]} conflicts @param {Person} me */
function lead(conflicts, me) {
  const who = [...new Set(conflicts.map(({ by }) => nameOf(by, me)))].join(' and ');
  const changed = Object.fromEntries(
    conflicts.map(({ field, base, yours, theirs }) => [field, [base, theirs, yours]]),
  );
  const what = nameFields(changed);
  return `${who} changed ${what}, too, while you were editing. Choose what to keep.`;
}

/** @param {() => void} onBack */
function backButton(onBack) {
  const props = { class: 'button', type: 'button', testid: 'conflict-back' };
  return el('button', { ...props, on: { click: onBack } }, 'Back to editing');
}

/** Nobody's version wins before a person has decided. @param {string} form */
function saveButton(form) {
  const id = `${form}-why`;
  const why = el('p', { class: 'conflict-why', id, role: 'status' });
  const props = { class: 'button main', type: 'submit', testid: 'conflict-save' };
  const node = el('button', { ...props, 'aria-describedby': id }, 'Save this choice');
  node.setAttribute('form', form);
  const show = (/** @type {boolean} */ isChosen) => {
    node.ariaDisabled = String(!isChosen);
    why.textContent = isChosen ? '' : 'Choose one version first.';
  };
  return { node, why, show };
}

/**
 * @param {HTMLFormElement} form @param {FieldConflict[]} conflicts
 * @returns {HTMLElement | null} where the first choice is still to be made
 */
function unchosen(form, conflicts) {
  const given = new FormData(form);
  const left = conflicts.findIndex(({ field }) => !given.has(field));
  return left < 0 ? null : form.querySelectorAll('fieldset')[left].querySelector('input');
}

/** @param {FieldConflict} conflict @param {Person} me @param {string} currency */
function fieldset({ field, base, yours, theirs, by, at }, me, currency) {
  const name = nameField(field, [base, theirs, yours]);
  const title = name[0].toUpperCase() + name.slice(1);
  const before = el(
    'p',
    { class: 'conflict-before', dir: 'auto' },
    'Before: ',
    ...tell(field, base, null, currency),
  );
  const who = by ?? { id: '', name: 'Someone' };
  const subject = nameOf(by, me).replace(/,$/, '');
  const versions = el(
    'div',
    { class: 'versions' },
    version(field, 'theirs', who, `${subject}, ${ago(at)}`, tell(field, theirs, base, currency)),
    version(field, 'yours', me, 'You', tell(field, yours, base, currency)),
  );
  versions.title = exactly(at);
  const props = { class: 'conflict-field', testid: 'conflict-field', data: { field } };
  return el('fieldset', props, el('legend', {}, title), before, versions);
}

/**
 * @param {string} field @param {Choice} choice
 * @param {Person} who @param {string} name @param {Node[]} value
 */
function version(field, choice, who, name, value) {
  const props = { type: 'radio', name: field, value: choice, testid: `choose-${choice}` };
  const radio = el('input', props);
  const head = el('span', { class: 'version-head' }, avatar(who), el('strong', { dir: 'auto' }, name), radio);
  const body = el('span', { class: 'version-value', dir: 'auto', testid: `version-${choice}` }, ...value);
  return el('label', { class: 'version' }, head, body);
}

/**
 * A value, with what is new in it marked.
 * @param {string} field @param {any} value @param {any} base @param {string} currency
 * @returns {Node[]}
 */
function tell(field, value, base, currency) {
  if (value === null) return [el('em', {}, field === 'note' ? 'no note' : 'removed')];
  if (typeof value !== 'object') return [el('span', {}, String(value))];
  const part = (/** @type {string} */ name, /** @type {string} */ text) =>
    el(base && base[name] !== value[name] ? 'mark' : 'span', {}, text);
  return [
    part('quantity', String(value.quantity)),
    el('span', {}, ' × '),
    part('name', value.name),
    el('span', {}, ' at '),
    part('unit_price', formatMoney(value.unit_price, currency)),
  ];
}

/** @param {HTMLFormElement} form @param {FieldConflict[]} conflicts @returns {Choices} */
function choicesOf(form, conflicts) {
  const given = new FormData(form);
  return Object.fromEntries(
    conflicts.map(({ field }) => [field, /** @type {Choice} */ (given.get(field))]),
  );
}
