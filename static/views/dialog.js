import { el, icon } from './dom.js';

let count = 0;

/**
 * A modal dialog with a title and a way out: the button, Escape, or a click beside it. The
 * browser keeps the focus inside and gives it back afterwards.
 */
export class Dialog {
  #title;
  body = el('div', { class: 'dialog-body' });
  foot = el('footer', { class: 'dialog-foot' });
  /** Whether the last press began beside it. */
  #isPressedBeside = false;

  /** @param {{kind: 'room' | 'window', testid: string, onClose?: () => void}} options */
  constructor({ kind, testid, onClose }) {
    const id = `dialog-title-${++count}`;
    this.#title = el('h2', { class: 'dialog-title', id });
    this.titleLine = el('div', { class: 'dialog-title-line' }, this.#title);
    const close = { type: 'button', class: 'button icon-only', 'aria-label': 'Close' };
    const out = el('button', { ...close, on: { click: () => this.close() } }, icon('close'));
    const head = el('header', { class: 'dialog-head' }, this.titleLine, out);
    const props = { class: `dialog ${kind}`, testid, 'aria-labelledby': id };
    this.node = el('dialog', props, head, this.body, this.foot);
    this.node.addEventListener('pointerdown', (event) => {
      this.#isPressedBeside = this.#isBeside(event);
    });
    this.node.addEventListener('click', (event) => this.#closeFromBeside(event));
    this.node.addEventListener('close', () => {
      this.node.remove();
      onClose?.();
    });
  }

  /** @param {string} title */
  set title(title) {
    this.#title.textContent = title;
  }

  open() {
    document.body.append(this.node);
    this.node.showModal();
  }

  /** Its `close` event comes a little later. */
  close() {
    this.node.close();
    this.node.remove();
  }

  /** May be replaced where a stray click must not lose what was typed. */
  mayCloseFromBeside = () => true;

  /**
   * Not when the press begins: a finger's click comes when it is lifted, and would meet what lies
   * behind the dialog.
   * @param {MouseEvent} event
   */
  #closeFromBeside(event) {
    if (this.#isPressedBeside && this.#isBeside(event) && this.mayCloseFromBeside()) this.close();
  }

  /** @param {MouseEvent} event */
  #isBeside({ target, clientX: x, clientY: y }) {
    const { left, right, top, bottom } = this.node.getBoundingClientRect();
    return target === this.node && (x < left || x > right || y < top || y > bottom);
  }
}
