/** A pointer that rests this long is nobody about to click. */
const REST = 10_000;

/**
 * Whether somebody is about to use what lies under the pointer, so that it must stay where it is.
 * A finger is on the screen only when it is too late to hold anything: see {@link Shifts} for it.
 */
export class Hold {
  #onRelease;
  /** @type {any} */
  #timer = null;
  isOn = false;

  /** @param {HTMLElement} node @param {() => void} onRelease */
  constructor(node, onRelease) {
    this.#onRelease = onRelease;
    node.addEventListener('pointermove', (event) => this.#start(event));
    node.addEventListener('pointerdown', (event) => this.#start(event));
    node.addEventListener('pointerleave', () => this.release());
  }

  /** @param {PointerEvent} event */
  #start({ pointerType }) {
    if (pointerType === 'touch') return;
    this.isOn = true;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.release(), REST);
  }

  release() {
    if (!this.isOn) return;
    this.isOn = false;
    clearTimeout(this.#timer);
    this.#onRelease();
  }
}
