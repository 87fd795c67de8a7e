import { el, icon, isComposing, setText } from '../dom.js';
import { avatar } from './avatar.js';
import { FieldMarks } from './field-marks.js';
import { LengthHint } from './length.js';
import { Log, timeNode } from './log.js';

/**
 * @typedef {import('../../api.js').Comment} Comment
 * @typedef {import('../../room/comments.js').Draft} Draft
 * @typedef {import('../../room.js').Room} Room
 */

const FIELD = 'comment';
const SENDS = `${/Mac|iP(hone|ad)/.test(navigator.userAgent) ? '⌘' : 'Ctrl'} + Enter sends`;

/** What people say to each other about an order, and the box to say more. */
export class CommentsView {
  #room;
  #log = new Log({
    testid: 'comments',
    empty: 'No comments yet.',
    label: 'Comments',
  });
  /** @type {Map<string, HTMLElement>} */
  #nodes = new Map();
  /** @type {WeakMap<Draft, HTMLElement>} as long as nothing about it changes */
  #draftNodes = new WeakMap();
  #marks = new FieldMarks('is writing');
  #input = el('textarea', {
    class: 'input',
    rows: 2,
    dir: 'auto',
    placeholder: 'Write a comment',
    testid: 'comment-input',
    'aria-label': 'Write a comment',
  });
  #hint = el('span', { class: 'compose-hint', testid: 'compose-hint' });
  #send = el('button', { class: 'button main small', type: 'button', testid: 'send-comment' });
  #length = new LengthHint(this.#input, this.#send);
  #box;

  /** @param {Room} room */
  constructor(room) {
    this.#room = room;
    this.#send.append(icon('send'), 'Send');
    this.#send.onclick = () => this.#write();
    this.#input.addEventListener('keydown', this.#key);
    this.#input.addEventListener('input', this.#tell);
    this.#input.addEventListener('blur', () => room.signal.stop(FIELD));
    const foot = el('div', { class: 'compose-foot' }, this.#hint, this.#send);
    const parts = [this.#input, this.#length.node, foot];
    this.#box = el('div', { class: 'compose', testid: 'compose' }, ...parts);
    this.node = el('div', { class: 'comments' }, this.#log.node, this.#marks.node, this.#box);
    this.#restore();
    this.show();
  }

  get hasDraft() {
    return this.#input.value.trim() !== '' || this.#room.comments.drafts.length > 0;
  }

  show() {
    const { written, drafts } = this.#room.comments;
    const nodes = [
      ...written.map((one) => this.#nodeOf(one)),
      ...drafts.map((one) => this.#draftNodeOf(one)),
    ];
    const active = document.activeElement;
    const hadFocus = this.#log.node.contains(active);
    this.#log.show(nodes, this.#room.isLoaded || this.#room.end !== null);
    // A comment that is tried again or discarded takes the button that was pressed along.
    if (hadFocus && !active?.isConnected) this.#input.focus();
  }

  showEditors() {
    this.#marks.editedBy(this.#room.editing.of(FIELD), this.#room.user);
  }

  toEnd() {
    this.#log.toEnd();
  }

  /** Nothing more can be said; what was being written can still be read and copied. */
  end() {
    this.#box.hidden = !this.#input.value.trim();
    this.#input.readOnly = true;
    this.#send.hidden = true;
    this.#hintAt('Not sent');
    this.show();
  }

  close() {
    this.#log.close();
  }

  /** @param {Comment} comment */
  #nodeOf(comment) {
    const known = this.#nodes.get(comment.id);
    if (known) return known;
    const { author, text, created_at: at } = comment;
    const node = entry(author, text, timeNode(at));
    node.dataset.commentId = comment.id;
    this.#nodes.set(comment.id, node);
    return node;
  }

  /** @param {Draft} draft */
  #draftNodeOf(draft) {
    const node = this.#draftNodes.get(draft) ?? this.#draft(draft);
    this.#draftNodes.set(draft, node);
    return node;
  }

  /** @param {Draft} draft */
  #draft({ key, text, state, error }) {
    const isFailed = state === 'failed';
    const told = el('span', { class: 'log-time' }, isFailed ? 'Not sent' : 'Sending…');
    const node = entry(this.#room.user, text, told);
    node.dataset.state = state;
    if (isFailed) node.lastElementChild?.append(this.#failure(key, error));
    return node;
  }

  /** @param {string} key @param {string} error */
  #failure(key, error) {
    const { comments } = this.#room;
    const again = { click: () => comments.retry(key) };
    const away = { click: () => comments.discard(key) };
    return el(
      'div',
      { class: 'comment-failure' },
      el('p', { class: 'form-error', role: 'alert' }, error),
      el(
        'button',
        { class: 'link', type: 'button', testid: 'retry-comment', on: again },
        'Try again',
      ),
      el('button', { class: 'link', type: 'button', on: away }, 'Discard'),
    );
  }

  #write() {
    const text = this.#input.value.trim();
    this.#input.focus();
    if (!text || this.#length.isOver || this.#room.end !== null) return;
    this.#input.value = '';
    this.#length.update();
    this.#hintAt(SENDS);
    this.#room.signal.stop(FIELD);
    this.#room.comments.write(text);
    this.#room.drafts.drop(FIELD);
    this.toEnd();
  }

  #restore() {
    const draft = this.#room.drafts.get(FIELD);
    this.#input.value = draft?.typed ?? '';
    this.#length.update();
    this.#hintAt(draft ? 'Your draft' : SENDS);
  }

  /** @param {string} text */
  #hintAt(text) {
    setText(this.#hint, text);
  }

  #tell = () => {
    const { drafts, signal } = this.#room;
    const typed = this.#input.value;
    this.#hintAt(SENDS);
    if (typed.trim()) drafts.keep(FIELD, { typed });
    else drafts.drop(FIELD);
    if (typed.trim()) signal.start(FIELD);
    else signal.stop(FIELD);
  };

  /** @param {KeyboardEvent} event */
  #key = (event) => {
    if (isComposing(event)) return;
    const isLeaving = event.key === 'Escape' && this.#input.value.trim() !== '';
    const isSending = event.key === 'Enter' && (event.ctrlKey || event.metaKey);
    if (!isLeaving && !isSending) return;
    // Else Escape would close the whole dialog.
    event.preventDefault();
    event.stopPropagation();
    if (isSending) this.#write();
    else this.#input.blur();
  };
}

/** @param {import('../../api.js').Person} author @param {string} text @param {HTMLElement} when */
function entry(author, text, when) {
  const name = el('strong', { dir: 'auto' });
  setText(name, author.name);
  const head = el('p', { class: 'comment-head' }, name, when);
  const said = el('p', { class: 'comment-text', dir: 'auto' }, text);
  const body = el('div', { class: 'comment-body' }, head, said);
  return el('li', { class: 'comment', testid: 'comment' }, avatar(author), body);
}
