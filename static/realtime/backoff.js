/**
 * Exponential backoff with full jitter: however many clients lost the same server at the same
 * moment, they come back spread over the whole window instead of in waves.
 */
export class Backoff {
  #minimum;
  #maximum;
  #random;
  #step = 0;

  /** @param {{minimum: number, maximum: number, random?: () => number}} options milliseconds */
  constructor({ minimum, maximum, random = Math.random }) {
    this.#minimum = minimum;
    this.#maximum = maximum;
    this.#random = random;
  }

  /** @returns {number} how long to wait before the next try, in milliseconds */
  next() {
    const window = Math.min(this.#maximum, this.#minimum * 2 ** this.#step);
    // Past the maximum further doubling changes nothing, and 2 ** step must stay finite.
    if (window < this.#maximum) this.#step += 1;
    return Math.min(this.#maximum, this.#minimum + this.#random() * window);
  }

  reset() {
    this.#step = 0;
  }
}
