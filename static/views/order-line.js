import { formatMoney, parseMoney, plainDigits, toDecimal } from '../money.js';
import { el, icon, setText } from './dom.js';

/**
 * @typedef {import('../api.js').Item} Item
 * @typedef {import('../products.js').Product} Product
 * @typedef {'name' | 'sku' | 'quantity' | 'unit_price'} Field
 * @typedef {Record<Field, string>} Typed what the inputs hold
 */

const MOST = 10_000;

let count = 0;

/** One line of the order form: four inputs, what is wrong with them, and their sum. */
export class OrderLine {
  #sum = el('output', { class: 'line-sum' });
  #error;
  /** @type {Record<Field, HTMLInputElement>} */
  #inputs;
  remove;

  /** @param {() => void} onRemove */
  constructor(onRemove) {
    const id = `line-error-${++count}`;
    this.#error = el('p', { class: 'line-error', id, role: 'alert' });
    this.#inputs = {
      name: input('name', 'Product', { maxLength: 200, 'aria-describedby': id }),
      sku: input('sku', 'SKU', { maxLength: 64, 'aria-describedby': id }),
      quantity: input('quantity', 'Quantity', {
        inputMode: 'numeric',
        value: '1',
        'aria-describedby': id,
      }),
      unit_price: input('unit_price', 'Unit price', {
        inputMode: 'decimal',
        'aria-describedby': id,
      }),
    };
    const look = { type: 'button', class: 'button icon-only', 'aria-label': 'Remove this line' };
    this.remove = el('button', { ...look, on: { click: onRemove } }, icon('close'));
    const fields = Object.values(this.#inputs).map(labelled);
    const props = { class: 'line', testid: 'line' };
    this.node = el('fieldset', props, ...fields, this.#sum, this.remove, this.#error);
  }

  get sku() {
    return this.#inputs.sku.value.trim();
  }

  get isBlank() {
    const { name, sku, unit_price: price } = this.#inputs;
    return [name, sku, price].every((field) => field.value.trim() === '');
  }

  /** @param {Product} product @param {string} price as it is written in the order's currency */
  fill({ sku, name }, price) {
    this.#inputs.sku.value = sku;
    this.#inputs.name.value = name;
    this.#inputs.unit_price.value = price;
  }

  /** A line that is there already keeps its SKU. @param {Item | Typed} item @param {boolean} [isThere] */
  show(item, isThere = true) {
    for (const [name, node] of Object.entries(this.#inputs)) {
      node.value = String(item[/** @type {Field} */ (name)]);
    }
    this.#inputs.sku.readOnly = isThere;
  }

  /** `show` takes it back. @returns {Typed} */
  get typed() {
    const pairs = Object.entries(this.#inputs).map(([name, node]) => [name, node.value]);
    return /** @type {Typed} */ (Object.fromEntries(pairs));
  }

  increase() {
    this.#inputs.quantity.value = String(Math.min(MOST, (this.#quantity() ?? 0) + 1));
  }

  /** @param {string} currency @returns {bigint} in the smallest unit; 0 while it is incomplete */
  showSum(currency) {
    const sum =
      (parseMoney(this.#inputs.unit_price.value, currency) ?? 0n) * BigInt(this.#quantity() ?? 0);
    setText(this.#sum, sum === 0n ? '' : formatMoney(toDecimal(sum, currency), currency));
    return sum;
  }

  /** What is to be sent, once `complain` found nothing. @param {string} currency @returns {Item} */
  read(currency) {
    return readLine(this.typed, currency);
  }

  /**
   * Say what is wrong, at the place where it is.
   * @param {string} currency
   * @param {Set<string>} skus those of the lines before
   * @returns {HTMLInputElement | null} the first wrong input
   */
  complain(currency, skus) {
    const [field, text] = this.#findFault(currency, skus) ?? [null, ''];
    this.showError(field, text);
    return field && this.#inputs[field];
  }

  /** @param {Field | null} field @param {string} text */
  showError(field, text) {
    setText(this.#error, text);
    for (const [name, node] of Object.entries(this.#inputs)) {
      node.setAttribute('aria-invalid', String(name === field));
    }
  }

  /** All that is still to be filled in. @returns {HTMLInputElement | null} the first of it */
  markEmpty() {
    const empty = Object.values(this.#inputs).filter((node) => node.value.trim() === '');
    for (const node of empty) node.ariaInvalid = 'true';
    return empty[0] ?? null;
  }

  focus() {
    this.#inputs.name.focus();
  }

  focusQuantity() {
    this.#inputs.quantity.focus();
    this.#inputs.quantity.select();
  }

  /** @param {string} currency @param {Set<string>} skus @returns {[Field, string] | null} */
  #findFault(currency, skus) {
    const { name, unit_price: price } = this.#inputs;
    if (!name.value.trim()) return ['name', 'What is it called?'];
    if (!this.sku) return ['sku', 'Which SKU does it have?'];
    if (skus.has(this.sku)) return ['sku', 'This SKU is in the order already.'];
    if (!this.#quantity()) return ['quantity', 'Between 1 and 10,000 pieces, please.'];
    if (parseMoney(price.value, currency) === null) {
      return ['unit_price', `A price in ${currency} looks like ${toDecimal(1250n, currency)}.`];
    }
    return null;
  }

  #quantity() {
    return readQuantity(this.#inputs.quantity.value);
  }
}

/** @param {Typed} typed @param {string} currency @returns {Item} zeros where nothing can be read */
export function readLine({ sku, name, quantity, unit_price: price }, currency) {
  return {
    sku: sku.trim(),
    name: name.trim(),
    quantity: readQuantity(quantity) ?? 0,
    unit_price: toDecimal(parseMoney(price, currency) ?? 0n, currency),
  };
}

/** @param {string} typed @returns {number | null} */
function readQuantity(typed) {
  const text = plainDigits(typed.trim());
  const quantity = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  return quantity >= 1 && quantity <= MOST ? quantity : null;
}

/** @param {Field} name @param {string} label @param {Record<string, any>} props */
function input(name, label, props) {
  return el('input', { class: 'input', name, dir: 'auto', placeholder: label, autocomplete: 'off', ...props });
}

/** @param {HTMLInputElement} node */
function labelled(node) {
  const name = el('span', { class: 'field-name' }, node.placeholder);
  return el('label', { class: `field line-${node.name}` }, name, node);
}
