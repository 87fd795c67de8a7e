/** So long somebody has to pause in typing before the server is asked. */
const PAUSE = 250;
/** No search brings more onto the board than this; whoever sees so many will refine it. */
const MOST_PAGES = 5;

/**
 * Asks the server for what is searched and not loaded yet. The results become a part of the
 * collection, so that they stay true like all else. Emits `state` when `isBusy` has changed.
 */
export class OrderSearch extends EventTarget {
  #orders;
  #onError;
  /** @type {any} */
  #timer = null;
  /** Of the question that is asked: one that was overtaken is given up. */
  #question = new AbortController();
  isBusy = false;

  /**
   * @param {import('./realtime.js').Collection} orders
   * @param {(error: unknown) => void} onError
   */
  constructor(orders, onError) {
    super();
    this.#orders = orders;
    this.#onError = onError;
  }

  /** @param {Record<string, string> | null} parameters null: nothing is searched any more */
  ask(parameters) {
    this.stop();
    if (!parameters || this.#orders.isComplete) return;
    this.#setBusy(true);
    this.#timer = setTimeout(() => this.#run(parameters), PAUSE);
  }

  stop() {
    this.#question.abort();
    clearTimeout(this.#timer);
    this.#setBusy(false);
  }

  /** @param {Record<string, string>} parameters */
  async #run(parameters) {
    const { signal } = (this.#question = new AbortController());
    try {
      await this.#findAll(parameters, signal);
    } catch (error) {
      if (!signal.aborted) this.#onError(error);
    }
    if (!signal.aborted) this.#setBusy(false);
  }

  /** @param {Record<string, string>} parameters @param {AbortSignal} signal */
  async #findAll(parameters, signal) {
    let cursor = await this.#orders.find(parameters, { signal });
    for (let page = 1; cursor && page < MOST_PAGES && !signal.aborted; page++) {
      cursor = await this.#orders.find(parameters, { cursor, signal });
    }
  }

  /** @param {boolean} isBusy */
  #setBusy(isBusy) {
    if (isBusy === this.isBusy) return;
    this.isBusy = isBusy;
    this.dispatchEvent(new CustomEvent('state'));
  }
}
