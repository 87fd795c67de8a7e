import { isKnown, randomKey } from '../keys.js';
import { CURRENCIES, formatMoney, toDecimal } from '../money.js';
import { Problem, sentenceOf } from '../problems.js';
import { priceIn } from '../products.js';
import { catalogue } from './catalogue.js';
import { Dialog } from './dialog.js';
import { el, setText } from './dom.js';
import { OrderLine } from './order-line.js';
import { LengthHint } from './room/length.js';

/**
 * @typedef {import('../api.js').NewOrder} NewOrder
 * @typedef {import('../products.js').Product} Product
 * @typedef {import('./board-view.js').BoardHandlers} BoardHandlers
 */

const MOST_LINES = 100;
const DRAFT = 'order';
const LONG_AGO =
  'It was sent long ago, and may have been placed. If it was not, place it once more.';
const NOT_PLACED = 'Your order was not placed; the draft is kept.';

/** The form that places an order. */
export class OrderForm {
  #drafts;
  #handlers;
  #dialog = new Dialog({ kind: 'window', testid: 'order-form-dialog' });
  /** @type {OrderLine[]} */
  #lines = [];
  #list = el('div', { class: 'lines' });
  #currency = el(
    'select',
    { class: 'input', name: 'currency' },
    ...Object.keys(CURRENCIES).map(option),
  );
  #note = el('textarea', { class: 'input', name: 'note', rows: 2, dir: 'auto' });
  #total = el('output', { class: 'form-total', testid: 'order-total' });
  #error = el('p', { class: 'form-error', role: 'alert' });
  #add = el('button', { class: 'link', type: 'button', testid: 'add-line' }, 'Add a line');
  #submit = el(
    'button',
    { class: 'button main', type: 'submit', testid: 'submit-order' },
    'Place order',
  );
  #discard = el('button', { class: 'button', type: 'button', testid: 'discard-order' }, 'Discard');
  #isBusy = false;
  #length = new LengthHint(this.#note, this.#submit, () => this.#isBusy);
  #draftHint = el('p', { class: 'draft-hint', hidden: true }, 'Your draft');
  #wasTried = false;
  /** @type {{body: string, key: string, at: number} | null} sent last, and perhaps placed */
  #sent = null;

  /**
   * @param {import('../room/drafts.js').Drafts} drafts
   * @param {Pick<BoardHandlers, 'onPlace' | 'onRefused'>} handlers
   */
  constructor(drafts, handlers) {
    this.#drafts = drafts;
    this.#handlers = handlers;
    this.#dialog.title = 'New order';
    this.#dialog.mayCloseFromBeside = () => this.#isBlank;
    this.#dialog.body.append(this.#form());
    this.#dialog.foot.append(this.#sum(), this.#discard, this.#submit);
    this.#submit.setAttribute('form', 'order-form');
    this.#add.addEventListener('click', () => this.#addLine().focus());
    this.#discard.addEventListener('click', () => this.#giveUp());
    this.#restore();
  }

  /** Whether an order is on its way. */
  get isBusy() {
    return this.#isBusy;
  }

  /** Also again, while it is busy. */
  open() {
    this.#dialog.open();
  }

  close() {
    this.#dialog.close();
  }

  #form() {
    const on = { submit: this.#send, input: this.#update };
    const props = { class: 'order-form', id: 'order-form', testid: 'order-form', noValidate: true };
    return el(
      'form',
      { ...props, on },
      this.#draftHint,
      catalogue((product) => this.#pick(product)),
      this.#list,
      this.#add,
      el(
        'div',
        { class: 'form-row' },
        field('Currency', this.#currency),
        el('div', {}, field('Note', this.#note), this.#length.node),
      ),
      this.#error,
    );
  }

  #sum() {
    return el('p', { class: 'form-sum' }, el('span', {}, 'Total'), this.#total);
  }

  /** One more of what is in the order already, else a new line. @param {Product} product */
  #pick(product) {
    const known = this.#lines.find((line) => line.sku === product.sku);
    if (known) known.increase();
    else {
      const line = this.#lines.find((candidate) => candidate.isBlank) ?? this.#addLine();
      line.fill(product, priceIn(product, this.#currency.value));
    }
    this.#update();
  }

  /** @param {OrderLine['typed'] | null} [typed] */
  #addLine(typed = null) {
    const line = new OrderLine(() => this.#removeLine(line));
    if (typed) line.show(typed, false);
    this.#lines.push(line);
    this.#list.append(line.node);
    this.#update();
    return line;
  }

  /** @param {OrderLine} line */
  #removeLine(line) {
    const index = this.#lines.indexOf(line);
    this.#lines.splice(index, 1);
    line.node.remove();
    if (this.#lines.length === 0) this.#addLine();
    this.#lines[Math.min(index, this.#lines.length - 1)].focus();
    this.#update();
  }

  #update = () => {
    const currency = this.#currency.value;
    const sum = this.#lines.reduce((total, line) => total + line.showSum(currency), 0n);
    setText(this.#total, formatMoney(toDecimal(sum, currency), currency));
    this.#add.disabled = this.#lines.length >= MOST_LINES;
    this.#discard.hidden = this.#isBlank;
    this.#keep();
    // Before the first try nobody wants to hear what is still missing.
    if (this.#wasTried) this.#findFaults();
  };

  // ------------------------------------------------------------------- drafts

  get #isBlank() {
    return this.#note.value.trim() === '' && this.#filled().length === 0;
  }

  /** What was typed when the form was closed; a blank line where nothing was. */
  #restore() {
    const draft = this.#drafts.get(DRAFT);
    const { currency, note, lines } = draft?.typed ?? { note: '', lines: [null] };
    this.#sent = draft?.sent ?? null;
    if (currency) this.#currency.value = currency;
    this.#note.value = note;
    this.#length.update();
    this.#draftHint.hidden = draft === null;
    for (const line of lines) this.#addLine(line);
  }

  #keep() {
    if (this.#isBlank) return this.#drafts.drop(DRAFT);
    const lines = this.#lines.map((line) => line.typed);
    const typed = { currency: this.#currency.value, note: this.#note.value, lines };
    this.#drafts.keep(DRAFT, { typed, sent: this.#sent });
  }

  #giveUp() {
    this.#drafts.drop(DRAFT);
    this.#dialog.close();
  }

  // ------------------------------------------------------------------ sending

  /** @returns {HTMLElement | null} the first input with a fault; blank lines are left out */
  #findFaults() {
    const skus = new Set();
    const faults = this.#lines.map((line) => {
      if (line.isBlank) return line.showError(null, '');
      const fault = line.complain(this.#currency.value, skus);
      skus.add(line.sku);
      return fault;
    });
    const isEmpty = this.#filled().length === 0;
    setText(this.#error, isEmpty ? 'An order needs at least one product.' : '');
    return isEmpty ? this.#lines[0].markEmpty() : (faults.find(Boolean) ?? null);
  }

  #filled() {
    return this.#lines.filter((line) => !line.isBlank);
  }

  /** @param {Event} event */
  #send = async (event) => {
    event.preventDefault();
    if (this.#isBusy) return;
    this.#wasTried = true;
    const faulty = this.#findFaults() ?? (this.#length.isOver ? this.#note : null);
    if (faulty) return faulty.focus();
    const order = this.#read();
    if (this.#isInDoubt(order)) return this.#doubt();
    const key = this.#keyFor(order);
    const focused = /** @type {HTMLElement} */ (document.activeElement);
    this.#setBusy(true);
    try {
      await this.#handlers.onPlace(order, key);
      this.#placed(key);
    } catch (error) {
      this.#refused(error, key);
    } finally {
      this.#setBusy(false);
    }
    // What cannot be used loses the focus; an order that was placed has closed the form.
    if (document.activeElement === document.body) focused.focus();
  };

  /** @returns {NewOrder} */
  #read() {
    const currency = this.#currency.value;
    const items = this.#filled().map((line) => line.read(currency));
    return { currency, note: this.#note.value.trim() || null, items };
  }

  /** Whether it may be placed, and the server has forgotten the key. @param {NewOrder} order */
  #isInDoubt(order) {
    return this.#sent?.body === JSON.stringify(order) && !isKnown(this.#sent.at);
  }

  /** Said once: who places it then wants it once more. */
  #doubt() {
    this.#forgetSent();
    setText(this.#error, LONG_AGO);
  }

  /** The same for the same order, also after a reload: so it is placed once. @param {NewOrder} order */
  #keyFor(order) {
    const body = JSON.stringify(order);
    if (this.#sent?.body !== body) this.#sent = { body, key: randomKey(), at: Date.now() };
    this.#keep();
    return this.#sent.key;
  }

  #forgetSent() {
    this.#sent = null;
    this.#keep();
  }

  /** Not another one, of somebody who was signed out and in again meanwhile. @param {string} key */
  #isKept(key) {
    return this.#drafts.get(DRAFT)?.sent?.key === key;
  }

  /** @param {string} key */
  #placed(key) {
    if (this.#isKept(key)) this.#drafts.drop(DRAFT);
    this.#dialog.close();
  }

  /** Show the server's complaints where they belong. @param {unknown} error @param {string} key */
  #refused(error, key) {
    this.#error.textContent = sentenceOf(error);
    if (!this.#dialog.node.open) this.#handlers.onRefused(`${NOT_PLACED} ${sentenceOf(error)}`);
    if (!(error instanceof Problem)) return;
    // The server looked at it and placed none: when it is sent again there is nothing to doubt.
    if (error.status === 422 && this.#isKept(key)) this.#forgetSent();
    const lines = this.#filled();
    for (const { pointer, message } of error.errors) {
      const [, index, name] = /^\/items\/(\d+)(?:\/(\w+))?/.exec(pointer) ?? [];
      if (index) lines[Number(index)]?.showError(/** @type {any} */ (name ?? null), message);
      else this.#error.append(` ${message}.`);
    }
  }

  /**
   * Meanwhile nothing can be typed: it would be no part of what was sent.
   * @param {boolean} isBusy
   */
  #setBusy(isBusy) {
    this.#isBusy = isBusy;
    this.#dialog.body.inert = isBusy;
    this.#length.update();
    this.#discard.disabled = isBusy;
    this.#submit.textContent = isBusy ? 'Placing…' : 'Place order';
  }
}

/** @param {string} value */
function option(value) {
  return el('option', { value }, value);
}

/** @param {string} name @param {HTMLElement} control */
function field(name, control) {
  return el('label', { class: 'field' }, el('span', { class: 'field-name' }, name), control);
}
