/**
 * The comments of an order: those that are written, and those of this person that are on the way.
 *
 * @typedef {import('../api.js').Person} Person
 * @typedef {import('../api.js').Comment} Comment
 * @typedef {{key: string, text: string, state: 'sending' | 'failed', error: string}} Draft
 */

import { isKnown, randomKey } from '../keys.js';
import { sentenceOf } from '../problems.js';

const LONG_AGO = 'It was sent long ago, and may have been written.';

export class Comments {
  #author;
  #post;
  #unanswered;
  #onChange;
  #isOpen = true;
  /** @type {Map<string, Comment>} what the last readings brought */
  #read = new Map();
  /** @type {Map<string, Comment>} what came since */
  #heard = new Map();
  /** @type {Map<string, Draft>} by key, which makes a repeat count once */
  #drafts = new Map();

  /**
   * @param {string} author the id of this person
   * @param {(text: string, key: string) => Promise<Comment>} post
   * @param {import('./unanswered.js').Unanswered} unanswered
   * @param {(arrived: Comment | null) => void} onChange told of a comment that came by itself
   */
  constructor(author, post, unanswered, onChange) {
    this.#author = author;
    this.#post = post;
    this.#unanswered = unanswered;
    this.#onChange = onChange;
  }

  /** Oldest first. */
  get written() {
    return [...this.#all.values()].sort((a, b) => (a.created_at < b.created_at ? -1 : 1));
  }

  get #all() {
    return new Map([...this.#read, ...this.#heard]);
  }

  get drafts() {
    return [...this.#drafts.values()];
  }

  /** Some that are no news. @param {Comment[]} comments */
  fill(comments) {
    this.#read = new Map(comments.map((one) => [one.id, one]));
    this.#onChange(null);
  }

  /** What was heard may be lost: it stays until the comments are read again. */
  doubt() {
    this.#read = this.#all;
    this.#heard = new Map();
  }

  /** One that has just been written, by whomever. @param {Comment} comment */
  arrive(comment) {
    if (this.#all.has(comment.id)) return;
    if (comment.author.id === this.#author) this.#dropDraft(comment.text);
    this.#heard.set(comment.id, comment);
    this.#onChange(comment);
  }

  /** Send what had no answer on an earlier visit, one after the other. */
  async resume() {
    const drafts = this.#unanswered.list.map(asDraft);
    for (const draft of drafts) this.#drafts.set(draft.key, draft);
    this.#onChange(null);
    for (const draft of drafts) {
      const isWanted = this.#isOpen && this.#drafts.get(draft.key) === draft;
      if (isWanted && draft.state === 'sending') await this.#send(draft);
    }
  }

  /** Nothing more is sent; what is on its way may still be answered. */
  close() {
    this.#isOpen = false;
  }

  /** @param {string} text */
  write(text) {
    return this.#send({ key: randomKey(), text, state: 'sending', error: '' });
  }

  /** @param {string} key */
  async retry(key) {
    const draft = this.#drafts.get(key);
    if (draft) await this.#send({ ...draft, state: 'sending', error: '' });
  }

  /** @param {string} key */
  discard(key) {
    this.#settle(key);
    this.#onChange(null);
  }

  /**
   * Its event may be faster than the answer, or come without one: of one that is on its way the
   * answer is still to come. Otherwise the words are there, and are not sent again.
   * @param {string} text
   */
  #dropDraft(text) {
    const same = this.drafts.filter((draft) => draft.text === text);
    const sending = same.find(({ state }) => state === 'sending');
    if (sending) this.#drafts.delete(sending.key);
    else if (same.length > 0) this.#settle(same[0].key);
  }

  /** @param {string} key */
  #settle(key) {
    this.#drafts.delete(key);
    this.#unanswered.remove(key);
  }

  /** @param {Draft} draft */
  async #send(draft) {
    this.#drafts.set(draft.key, draft);
    this.#unanswered.add(draft.key, draft.text);
    this.#onChange(null);
    try {
      const comment = await this.#post(draft.text, draft.key);
      this.#settle(draft.key);
      this.#heard.set(comment.id, comment);
    } catch (error) {
      if (!this.#drafts.has(draft.key)) return;
      this.#drafts.set(draft.key, { ...draft, state: 'failed', error: sentenceOf(error) });
    }
    this.#onChange(null);
  }
}

/** @param {import('./unanswered.js').Sent} sent @returns {Draft} */
function asDraft({ key, text, at }) {
  if (isKnown(at)) return { key, text, state: 'sending', error: '' };
  return { key, text, state: 'failed', error: LONG_AGO };
}
