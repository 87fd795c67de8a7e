/**
 * The state of a collection of versioned things, whichever way news of them arrives: a page of a
 * list, an event, the reply to a change. They may come twice and in any order, because two rules
 * decide: what has a newer `version` is taken; what was unshared is ignored until it is shared.
 *
 * Whatever changes something answers whether it did. No I/O here.
 *
 * @template {{id: string, version: number}} Entity
 */
export class Entities {
  /** @type {Map<string, Entity>} */
  #known = new Map();
  /** @type {Map<string, number>} of what left: up to which version it stays away */
  #gone = new Map();
  /** @type {Map<string, number>} not to be seen at present, whatever else arrives; since when */
  #hidden = new Map();
  #matches;

  /** @param {(entity: Entity) => boolean} [matches] what does not, leaves */
  constructor(matches = () => true) {
    this.#matches = matches;
  }

  get size() {
    return this.#known.size;
  }

  /** @param {string} id */
  get(id) {
    return this.#known.get(id);
  }

  values() {
    return this.#known.values();
  }

  /** @param {Entity} entity */
  take(entity) {
    const { id, version } = entity;
    const seen = this.#known.get(id)?.version ?? this.#gone.get(id) ?? 0;
    if (this.#hidden.has(id) || version <= seen) return false;
    if (!this.#matches(entity)) return this.leave(id, version);
    this.#gone.delete(id);
    this.#known.set(id, entity);
    return true;
  }

  /** It is gone for good. @param {string} id */
  delete(id) {
    return this.leave(id, Infinity);
  }

  /**
   * It is no longer a part of this, until a newer version is.
   * @param {string} id
   * @param {number} version
   */
  leave(id, version) {
    this.#gone.set(id, version);
    return this.#known.delete(id);
  }

  /**
   * Ignore it until `show`.
   * @param {string} id
   * @param {number} version of the event that says so
   */
  hide(id, version) {
    if ((this.#known.get(id)?.version ?? 0) > version) return false;
    this.#hidden.set(id, version);
    return this.#known.delete(id);
  }

  /** @param {string} id @param {number} version of the event that says so */
  show(id, version) {
    const since = this.#hidden.get(id);
    if (since !== undefined && version > since) this.#hidden.delete(id);
  }
}
