import { el, setText } from '../dom.js';
import { formatCount } from '../text.js';

const LONGEST = 2000;
/** From here on it is worth to be told. */
const NEAR = LONGEST - 200;

let count = 0;

/**
 * How long a text may be. Nothing is cut: what is pasted stays whole, and is not sent before a
 * person has made it shorter.
 */
export class LengthHint {
  #input;
  #submit;
  #isBusy;

  /**
   * @param {HTMLTextAreaElement} input
   * @param {HTMLButtonElement} submit what sends it
   * @param {() => boolean} [isBusy] whether something else keeps it from being sent
   */
  constructor(input, submit, isBusy = () => false) {
    this.#input = input;
    this.#submit = submit;
    this.#isBusy = isBusy;
    const id = `length-${++count}`;
    this.node = el('p', { class: 'length-hint', testid: 'length', id, role: 'status' });
    input.setAttribute('aria-describedby', id);
    input.addEventListener('input', () => this.update());
    this.update();
  }

  get isOver() {
    return this.#length > LONGEST;
  }

  /** In characters, as the server counts them; an emoji is one. */
  get #length() {
    return [...this.#input.value.trim()].length;
  }

  /** After the value was set by the page, or what else keeps it from being sent has changed. */
  update() {
    const length = this.#length;
    const told = `${formatCount(length)} of ${formatCount(LONGEST)} characters`;
    const text = this.isOver ? `${told}. Please make it shorter.` : told;
    setText(this.node, length < NEAR ? '' : text);
    this.node.toggleAttribute('data-over', this.isOver);
    this.#input.ariaInvalid = String(this.isOver);
    this.#submit.disabled = this.isOver || this.#isBusy();
  }
}
