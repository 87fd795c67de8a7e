/**
 * The state of a collection of versioned things, whichever way news of them arrives: a page of a
 * list, an event, the reply to a change. They may come twice and in any order, because one rule
 * decides: what has a newer `version` is taken, everything else is ignored.
 *
 * @template {{id: string, version: number}} Entity
 */
export class Store extends EventTarget {
  /** @type {Map<string, Entity>} */
  #entities = new Map();
  /** @type {Set<string>} deleted ids never come back, whatever an old page says */
  #deleted = new Set();
  /** @type {Set<string>} not to be seen at present, whatever else arrives */
  #hidden = new Set();
  /** @type {Set<string> | null} what changed while the list is being read again */
  #touched = null;

  get size() {
    return this.#entities.size;
  }

  /** @param {string} id */
  get(id) {
    return this.#entities.get(id);
  }

  values() {
    return this.#entities.values();
  }

  /**
   * @param {Entity} entity
   * @param {any} [cause] passed on to listeners; null when it is no news, as with a page
   * @returns {boolean} whether it was newer than what was known
   */
  take(entity, cause = null) {
    const { id, version } = entity;
    this.#touched?.add(id);
    if (this.#hidden.has(id) || this.#deleted.has(id)) return false;
    const before = this.#entities.get(id);
    if (before && before.version >= version) return false;
    this.#entities.set(id, entity);
    this.#emit({ id, before, after: entity, cause });
    return true;
  }

  /** It is gone for good. @param {string} id @param {any} [cause] */
  delete(id, cause = null) {
    this.#deleted.add(id);
    this.#remove(id, cause);
  }

  /** Ignore it until `show`. @param {string} id @param {any} [cause] */
  hide(id, cause = null) {
    this.#hidden.add(id);
    this.#remove(id, cause);
  }

  /** @param {string} id */
  show(id) {
    this.#hidden.delete(id);
  }

  /**
   * The stream has a gap and the list is about to be read again. What was hidden may have been
   * shared again in the meantime, so the list decides.
   */
  startReread() {
    this.#touched = new Set();
    this.#hidden.clear();
  }

  /** The list was read: what neither it nor an event named since `startReread` is gone. */
  finishReread() {
    const touched = this.#touched ?? new Set();
    this.#touched = null;
    for (const id of [...this.#entities.keys()]) if (!touched.has(id)) this.#remove(id, null);
  }

  clear() {
    for (const id of [...this.#entities.keys()]) this.#remove(id, null);
    this.#hidden.clear();
  }

  /** @param {string} id @param {any} cause */
  #remove(id, cause) {
    const before = this.#entities.get(id);
    if (!before) return;
    this.#entities.delete(id);
    this.#emit({ id, before, after: undefined, cause });
  }

  /** @param {Change<Entity>} change */
  #emit(change) {
    this.dispatchEvent(new CustomEvent('change', { detail: change }));
  }
}

/**
 * @template Entity
 * @typedef {{id: string, before: Entity | undefined, after: Entity | undefined, cause: any}} Change
 */
