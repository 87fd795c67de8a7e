/**
 * What the workers have said of themselves during the last minute and a half.
 *
 * @typedef {object} Figures one second of a worker, as it tells it on `ops`
 * @property {string} worker
 * @property {string} host
 * @property {number} pid
 * @property {string} started_at
 * @property {number} uptime_s
 * @property {boolean} draining
 * @property {boolean} redis_up
 * @property {boolean} postgres_up
 * @property {number} connections
 * @property {number} subscriptions
 * @property {number} channels
 * @property {number} relayed_per_s
 * @property {number} events_per_s
 * @property {number} deliveries_per_s
 * @property {number} delivered_bytes_per_s
 * @property {number | null} commit_to_socket_p50_ms
 * @property {number | null} commit_to_socket_p99_ms
 * @property {number} relay_pending
 * @property {number} relay_pending_age_s
 * @property {number | null} loop_lag_ms
 * @property {number | null} flush_ms
 * @property {number} cpu_percent
 * @property {number | null} rss_bytes
 *
 * @typedef {(figures: Figures) => number | null} Read
 */

/** Seconds that are kept and shown. */
export const WINDOW = 90;
/** A worker tells its figures each second; after so many milliseconds without it is missed. */
const LATE = 3500;
/** How long a worker that has vanished is still shown. */
const FADING = 30_000;
/** All have their turn before the first is shown, so that their order and colours stay. */
const FIRST_ROUND = 1200;
/** A message that comes a little late leaves no hole. */
const HELD = 2;
const COLOURS = 6;

/** One worker and its last seconds. */
export class Worker {
  /** @type {Map<number, Figures>} by the second in which they came */
  #seconds = new Map();
  isSilent = false;
  colour = -1;

  /** @param {Figures} figures @param {number} receivedAt */
  constructor(figures, receivedAt) {
    this.id = figures.worker;
    this.name = `Worker ${figures.pid}`;
    this.latest = figures;
    this.seenAt = receivedAt;
    this.take(figures, receivedAt);
  }

  /** @param {Figures} figures @param {number} receivedAt */
  take(figures, receivedAt) {
    const second = Math.floor(receivedAt / 1000);
    this.latest = figures;
    this.seenAt = receivedAt;
    this.#seconds.set(second, figures);
    for (const old of this.#seconds.keys()) {
      if (old > second - WINDOW - HELD) break;
      this.#seconds.delete(old);
    }
  }

  /**
   * One value for each second of the window, the newest last; null where nothing is known.
   * @param {Read} read
   * @param {number} now milliseconds since 1970
   */
  series(read, now) {
    const end = Math.floor(now / 1000) - 1;
    return Array.from({ length: WINDOW }, (_, nth) => {
      const figures = this.#at(end - WINDOW + 1 + nth);
      return figures ? read(figures) : null;
    });
  }

  /** @param {number} second */
  #at(second) {
    for (let back = 0; back <= HELD; back += 1) {
      const figures = this.#seconds.get(second - back);
      if (figures) return figures;
    }
    return null;
  }
}

export class Workers {
  /** @type {Map<string, Worker>} */
  #workers = new Map();
  #isListening = false;
  #listeningSince = 0;
  #firstAt = Infinity;

  /** @param {Figures} figures @param {number} receivedAt */
  take(figures, receivedAt) {
    const known = this.#workers.get(figures.worker);
    if (known) known.take(figures, receivedAt);
    else this.#workers.set(figures.worker, new Worker(figures, receivedAt));
    this.#firstAt = Math.min(this.#firstAt, receivedAt);
  }

  /**
   * While nobody listens no worker is missed for its silence.
   * @param {boolean} isListening
   * @param {number} now
   */
  listen(isListening, now) {
    if (isListening && !this.#isListening) this.#listeningSince = now;
    this.#isListening = isListening;
  }

  /**
   * Those that are there, or were until a moment ago; the longest-running first.
   * @param {number} now
   */
  present(now) {
    if (now - this.#firstAt < FIRST_ROUND) return [];
    if (this.#isListening) this.#missSilent(now);
    const workers = [...this.#workers.values()].sort(byAge);
    for (const worker of workers) if (worker.colour < 0) worker.colour = this.#freeColour();
    return workers;
  }

  /**
   * Where no worker has Redis each hears but itself: then silence means nothing.
   * @param {number} now
   */
  #missSilent(now) {
    const silences = [...this.#workers.values()].map((worker) => {
      const silence = now - Math.max(worker.seenAt, this.#listeningSince);
      worker.isSilent = silence > LATE;
      return /** @type {const} */ ([worker, silence]);
    });
    const isCutOff = silences.every(([{ isSilent, latest }]) => isSilent || !latest.redis_up);
    for (const [{ id }, silence] of silences) {
      if (silence > FADING && !isCutOff) this.#workers.delete(id);
    }
  }

  /** The one that is least used. */
  #freeColour() {
    const uses = Array.from({ length: COLOURS }, () => 0);
    for (const { colour } of this.#workers.values()) if (colour >= 0) uses[colour] += 1;
    return uses.indexOf(Math.min(...uses));
  }
}

/** @param {Worker} one @param {Worker} other */
function byAge({ latest: one }, { latest: other }) {
  return one.started_at.localeCompare(other.started_at) || one.pid - other.pid;
}
