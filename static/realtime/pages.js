import { Problem, readJson } from '../problems.js';
import { Backoff } from './backoff.js';

/**
 * @typedef {import('./wire.js').Position & {channel: string}} ListPosition
 * @typedef {{items: any[], next_cursor: string | null, position: ListPosition | null}} Page
 * @typedef {Record<string, string | number | null>} Parameters null and '' are left out
 */

/** The pages of a list behind a URL, which may carry a query of its own. */
export class Pages {
  #fetch;
  #url;

  /** @param {ReturnType<typeof import('./http.js').authorized>} fetch @param {string} url */
  constructor(fetch, url) {
    this.#fetch = fetch;
    this.#url = new URL(url, globalThis.location?.href);
  }

  get isFiltered() {
    return this.#url.search !== '';
  }

  /** Such as "order" for /api/v1/orders. */
  get subject() {
    return this.#url.pathname.replace(/^.*\/(.+?)s?$/, '$1');
  }

  /**
   * @param {Parameters} parameters
   * @param {AbortSignal} [signal] ends it: then it rejects, too
   * @returns {Promise<Page>} rejects with a Problem or Unreachable
   */
  async read(parameters, signal) {
    const url = new URL(this.#url);
    for (const [name, value] of Object.entries(parameters)) {
      if (value) url.searchParams.set(name, String(value));
    }
    const response = await this.#fetch(url.href, { signal });
    if (!response.ok) throw await Problem.from(response);
    return readJson(response);
  }

  /**
   * Try until it is read. Who may not see the list at all sees an empty one.
   * @param {Parameters} parameters
   * @param {() => boolean} isWanted
   * @returns {Promise<Page | null>} null: it is no longer wanted
   */
  async readStubbornly(parameters, isWanted) {
    const backoff = new Backoff({ minimum: 500, maximum: 20_000 });
    while (isWanted()) {
      const page = await this.read(parameters).catch(emptyIfRefused);
      if (page) return isWanted() ? page : null;
      await sleep(backoff.next());
    }
    return null;
  }
}

/** @param {unknown} error @returns {Page | null} null: worth another try */
function emptyIfRefused(error) {
  const isRefused = error instanceof Problem && [403, 404].includes(error.status);
  return isRefused ? { items: [], next_cursor: null, position: null } : null;
}

/** @param {number} delay milliseconds */
export function sleep(delay) {
  return new Promise((resolve) => setTimeout(resolve, delay));
}
