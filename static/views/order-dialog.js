import { deed } from '../room/sentences.js';
import { isEditable, STATUS_NAMES } from '../status.js';
import { Dialog } from './dialog.js';
import { el, setText } from './dom.js';
import { CommentsView } from './room/comments.js';
import { withdrawQuestions } from './room/conflict.js';
import { FactsView } from './room/facts.js';
import { HistoryView } from './room/history.js';
import { ItemsView } from './room/items.js';
import { MovesView } from './room/moves.js';
import { noteField } from './room/note.js';
import { RoomNotice } from './room/notice.js';
import { PeopleView } from './room/people.js';
import { move, save } from './room/saver.js';
import { SharingView } from './room/sharing.js';
import { Tabs } from './room/tabs.js';
import { closedSentence, END_SENTENCES, mergedSentence, movedSentence } from './room/texts.js';

/**
 * @typedef {import('../api.js').Order} Order
 * @typedef {import('../api.js').Status} Status
 * @typedef {import('../room.js').Room} Room
 * @typedef {import('../room/edits.js').Edit} Edit
 */

/** An order, opened: what it is, who looks at it, what they say, what they did. */
export class OrderDialog {
  #room;
  #dialog;
  #badge = el('span', { class: 'badge', testid: 'order-status', tabIndex: -1 });
  #notice = new RoomNotice();
  #people = new PeopleView();
  #facts = new FactsView();
  #note;
  #items;
  #sharing;
  #comments;
  #history;
  #tabs;
  #moves;
  #wasEditable = false;

  /** @param {Room} room @param {() => void} onClose */
  constructor(room, onClose) {
    this.#room = room;
    const context = {
      room,
      mayEdit: () => this.#mayEdit,
      save: (/** @type {Edit} */ edit, /** @type {Order} */ base) => save(room, edit, base),
    };
    this.#note = noteField(context);
    this.#items = new ItemsView(context);
    this.#sharing = new SharingView(room);
    this.#comments = new CommentsView(room);
    this.#history = new HistoryView(room);
    this.#tabs = this.#makeTabs();
    this.#dialog = this.#makeDialog(onClose);
    this.#moves = new MovesView(this.#dialog.foot, room.user, (status) => this.#move(status));
    this.#dialog.foot.hidden = true;
    this.#listen();
    this.#showOrder();
    this.#dialog.open();
    room.open();
  }

  get id() {
    return this.#room.id;
  }

  close() {
    this.#dialog.close();
  }

  get #mayEdit() {
    const { order, end } = this.#room;
    return order !== null && end === null && isEditable(order);
  }

  get #isEditing() {
    return this.#note.field.isEditing || this.#items.isEditing;
  }

  #makeTabs() {
    const order = el('div', { class: 'room-order' });
    order.append(this.#facts.node, this.#note.node, this.#items.node, this.#sharing.node);
    const tabs = new Tabs({ order, comments: this.#comments.node, history: this.#history.node });
    tabs.onShow = (tab) => {
      if (tab === 'comments') this.#comments.toEnd();
      if (tab === 'history') this.#history.toEnd();
    };
    return tabs;
  }

  /** @param {() => void} onClose */
  #makeDialog(onClose) {
    const dialog = new Dialog({
      kind: 'room',
      testid: 'order-dialog',
      onClose: () => {
        this.#leave();
        onClose();
      },
    });
    dialog.mayCloseFromBeside = () => !this.#isEditing && !this.#comments.hasDraft;
    dialog.titleLine.append(this.#badge, this.#people.node);
    dialog.body.append(this.#notice.node, this.#tabs.node);
    dialog.node.dataset.orderId = this.id;
    return dialog;
  }

  #listen() {
    /** @type {Record<string, (detail: any) => void>} */
    const listeners = {
      order: () => this.#showOrder(),
      people: () => this.#people.show(this.#room.others, this.#room.areOthersKnown),
      editing: () => this.#showEditors(),
      timeline: () => this.#showHistory(),
      comments: (comment) => this.#showComments(comment),
      event: (event) => this.#tell(event),
      merged: (events) => this.#merged(events),
      failure: (text) => this.#notice.failure(text),
      ended: () => this.#ended(),
    };
    for (const [type, listener] of Object.entries(listeners)) {
      this.#room.addEventListener(type, (event) => {
        listener(/** @type {CustomEvent} */ (event).detail);
      });
    }
  }

  #leave() {
    withdrawQuestions();
    this.#tabs.close();
    this.#comments.close();
    this.#history.close();
    this.#room.close();
  }

  // ------------------------------------------------------------------ showing

  #showOrder() {
    const { order, end } = this.#room;
    this.#dialog.title = order ? `Order #${order.number}` : 'Order';
    this.#dialog.node.ariaBusy = String(order === null && end === null);
    // Without an order there is nothing that could be read or done.
    this.#tabs.node.hidden = order === null;
    if (!order) return;
    this.#noteClosing(order);
    setText(this.#badge, STATUS_NAMES[order.status]);
    this.#badge.dataset.status = order.status;
    this.#dialog.node.dataset.version = String(order.version);
    this.#facts.update(order);
    this.#note.field.update(order);
    this.#items.update(order);
    this.#sharing.update(order);
    this.#showMoves(order, end !== null);
  }

  /**
   * Who has made the last move is left with what came of it.
   * @param {Order} order @param {boolean} isOver
   */
  #showMoves(order, isOver) {
    const { foot } = this.#dialog;
    const hadFocus = foot.contains(document.activeElement);
    this.#moves.update(order, isOver);
    if (hadFocus && foot.hidden) this.#badge.focus();
  }

  /** Somebody completed or cancelled it under the hands of who edits. @param {Order} order */
  #noteClosing(order) {
    if (this.#wasEditable && !isEditable(order) && this.#isEditing) {
      this.#notice.error(closedSentence(order));
    }
    this.#wasEditable = isEditable(order);
  }

  #showEditors() {
    this.#note.field.updateEditors();
    this.#items.updateEditors();
    this.#comments.showEditors();
  }

  #showHistory() {
    this.#history.show();
    this.#tabs.showCount('history', this.#room.timeline.events.length);
    // By now it may be known who changed what is being edited.
    if (this.#isEditing) this.#showOrder();
  }

  /** @param {import('../api.js').Comment | null} arrived */
  #showComments(arrived) {
    this.#comments.show();
    this.#history.show();
    this.#tabs.showCount('comments', this.#room.comments.written.length);
    if (!arrived || arrived.author.id === this.#room.user.id) return;
    this.#tabs.markNews('comments');
    this.#notice.say(`${arrived.author.name} wrote: ${arrived.text}`);
  }

  /** What others did, for those who do not see it. @param {any} event */
  #tell(event) {
    if (event.comment || event.actor?.id === this.#room.user.id) return;
    this.#notice.say(`${event.actor?.name ?? 'Tandem'} ${deed(event)}.`);
  }

  #ended() {
    const { end } = this.#room;
    if (end === null) return;
    withdrawQuestions();
    this.#notice.end(END_SENTENCES[end]);
    this.#dialog.node.dataset.ended = end;
    this.#comments.end();
    this.#showOrder();
  }

  /** @param {import('../order-events.js').OrderEvent[]} events */
  #merged(events) {
    const sentence = mergedSentence(events);
    if (sentence) this.#notice.info(sentence);
  }

  /** @param {Status} status */
  async #move(status) {
    const failure = await move(this.#room, status);
    if (failure && this.#room.isLeft) this.#room.lose(failure);
    else if (failure) this.#notice.error(failure);
    else this.#notice.say(movedSentence(status));
  }
}
