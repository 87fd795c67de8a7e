import { sentenceOf } from '../../problems.js';
import { differing, isSame, skuOf, valueOf } from '../../room/edits.js';
import { isComposing } from '../dom.js';
import { FieldMarks } from './field-marks.js';
import { nameOf, unsavedSentence } from './texts.js';

/**
 * @typedef {import('../../api.js').Order} Order
 * @typedef {import('../../room/edits.js').Edit} Edit
 *
 * @typedef {object} RoomContext
 * @property {import('../../room.js').Room} room
 * @property {() => boolean} mayEdit
 * @property {(edit: Edit, base: Order) => Promise<boolean>} save false: back to editing
 *
 * @typedef {object} Face how a field looks
 * @property {HTMLElement} node
 * @property {(order: Order, mayEdit: boolean) => void} show
 * @property {(value: any, order: Order) => void} edit
 * @property {() => any} typed what the inputs hold, which may be no value yet; `edit` takes it back
 * @property {(typed: any, order: Order) => any} meant what is sent of what was typed
 * @property {() => void} focusEditor
 * @property {(order: Order) => any} read what was typed; undefined when it cannot be sent
 * @property {(value: any, order: Order) => string} tell a value, in the hint that it was changed
 * @property {() => void} focus what opens the editor
 */

/**
 * A field that is shown, and edited where it stands. While a person edits it, it keeps what they
 * type, and says what others made of it meanwhile. What was typed stays a draft until it is saved
 * or discarded.
 */
export class Field {
  #context;
  #face;
  /** @type {Order | null} the order on which the edit is made; null: nobody edits here */
  #base = null;
  #isBusy = false;
  /** Whether a draft of an earlier visit has been looked for. */
  #isRestored = false;
  /** @type {HTMLInputElement[]} those that were writable while the order was open */
  #frozen = [];
  #marks;
  #toEdit;

  /**
   * @param {string} name as signals and conflicts call it
   * @param {RoomContext} context
   * @param {FieldMarks} marks
   * @param {Face} face
   * @param {(value: any) => Edit} [toEdit]
   */
  constructor(name, context, marks, face, toEdit = (value) => ({ [name]: value })) {
    this.name = name;
    this.#context = context;
    this.#marks = marks;
    this.#face = face;
    this.#toEdit = toEdit;
    marks.onTakeTheirs = () => this.cancel();
    marks.onContinue = () => this.open();
    face.node.addEventListener('input', this.#keep);
    face.node.addEventListener('focusin', this.#follow);
    face.node.addEventListener('focusout', this.#follow);
    face.node.addEventListener('keydown', this.#key);
  }

  get isEditing() {
    return this.#base !== null;
  }

  /** Whether an edit of this field is open, or on its way. */
  get isInUse() {
    return this.isEditing || this.#isBusy;
  }

  /** The order has changed. @param {Order} order */
  update(order) {
    if (!this.#base) {
      this.#face.show(order, this.#context.mayEdit());
      return this.#restore(order);
    }
    this.#freeze();
    const theirs = valueOf(order, this.name);
    const { saving, timeline, user } = this.#context.room;
    const isOwn = saving.isSaving(this.name);
    if (isOwn || isSame(theirs, saving.knownValue(this.name, this.#base))) {
      return this.#marks.overtaken('', '');
    }
    const event = timeline.lastChange([this.name], this.#base.version);
    const who = nameOf(event?.actor, user);
    this.#marks.overtaken(who, this.#face.tell(theirs, order));
  }

  /** Others began or ended to edit. */
  updateEditors() {
    this.#marks.editedBy(this.#context.room.editing.of(this.name), this.#context.room.user);
  }

  /** With the draft, if there is one. @param {any} [initial] else the value as it is */
  open(initial) {
    const { shown, confirmed } = this.#context.room.saving;
    if (this.#base || !shown || !confirmed || !this.#context.mayEdit()) return;
    const draft = this.#draft;
    const value = initial === undefined ? valueOf(shown, this.name) : initial;
    // A line that others have removed meanwhile.
    if (value === null && !draft && skuOf(this.name) !== null) return;
    this.#edit(draft ? draft.typed : value, draft?.base ?? confirmed);
    this.#face.focusEditor();
  }

  save = async () => {
    if (!this.#base || !this.#context.mayEdit()) return;
    const value = this.#face.read(this.#base);
    if (value !== undefined) await this.send(value);
  };

  /** @param {any} value */
  async send(value) {
    const base = this.#base ?? this.#context.room.saving.confirmed;
    if (!base) return;
    const edit = this.#toEdit(value);
    const sent = JSON.stringify(this.#draft);
    this.#isBusy = true;
    this.#close();
    try {
      const isChange = this.#context.room.saving.isChange(edit, base);
      if (isChange && !(await this.#context.save(edit, base))) return this.#failed(value, base);
      // Unless the next one is being typed already.
      if (JSON.stringify(this.#draft) === sent) this.#drop();
    } catch (error) {
      this.#failed(value, base, sentenceOf(error));
    } finally {
      this.#isBusy = false;
    }
  }

  /** Back to what it is; a draft is given up. */
  cancel = () => {
    this.#drop();
    this.#close();
  };

  /** Back to what it is; a draft waits. */
  leave() {
    this.#close();
    this.#marks.draft(this.#draft ? 'waiting' : 'none');
  }

  #close() {
    const { room, mayEdit } = this.#context;
    const hadFocus = this.#face.node.contains(document.activeElement);
    room.signal.stop(this.name);
    this.#base = null;
    this.#melt();
    this.#marks.clear();
    if (room.order) this.#face.show(room.order, mayEdit());
    if (hadFocus) this.#face.focus();
  }

  /** Back to editing, unless the order is closed by now. @param {any} value @param {Order} base */
  #failed(value, base, sentence = '') {
    const { room } = this.#context;
    const isKept = this.#draft !== null;
    if (room.isLeft) return room.lose(unsavedSentence(this.name, value, base, isKept));
    this.#reopen(value, base);
    this.#marks.error(sentence);
  }

  /** @param {any} value @param {Order} base */
  #reopen(value, base) {
    if (this.#base || (value === null && skuOf(this.name) !== null)) return;
    this.#edit(value, base);
    if (this.#context.mayEdit()) this.#face.focusEditor();
  }

  /** @param {any} value @param {Order} base */
  #edit(value, base) {
    const { order } = this.#context.room;
    if (!order) return;
    this.#base = base;
    this.#face.edit(value, order);
    this.#marks.draft(this.#draft ? 'open' : 'none');
    this.update(order);
  }

  // ------------------------------------------------------------------- drafts

  get #draft() {
    return this.#context.room.drafts.get(this.name);
  }

  #drop() {
    this.#context.room.drafts.drop(this.name);
  }

  #keep = () => {
    if (!this.#base) return;
    this.#context.room.drafts.keep(this.name, { typed: this.#face.typed(), base: this.#base });
  };

  /** Once, what was typed on an earlier visit; unless it has become true. @param {Order} order */
  #restore(order) {
    if (this.#isRestored) return;
    this.#isRestored = true;
    const draft = this.#draft;
    if (!draft?.base) return;
    const edit = this.#toEdit(this.#face.meant(draft.typed, order));
    if (Object.keys(differing(order, edit)).length === 0) return this.#drop();
    this.#edit(draft.typed, draft.base);
  }

  /** What can no longer be saved can still be read and copied, and goes on if it can. */
  #freeze() {
    if (this.#context.mayEdit()) return this.#thaw();
    const { node } = this.#face;
    this.#context.room.signal.stop(this.name);
    node.dataset.frozen = '';
    this.#marks.draft('open');
    /** @type {NodeListOf<HTMLInputElement>} */
    const inputs = node.querySelectorAll(':is(input, textarea):read-write');
    for (const input of inputs) input.readOnly = true;
    this.#frozen.push(...inputs);
  }

  /** The order was not closed after all. */
  #thaw() {
    const { node } = this.#face;
    if (!('frozen' in node.dataset)) return;
    this.#melt();
    this.#marks.draft(this.#draft ? 'open' : 'none');
    if (node.contains(document.activeElement)) this.#context.room.signal.start(this.name);
  }

  #melt() {
    delete this.#face.node.dataset.frozen;
    for (const input of this.#frozen.splice(0)) input.readOnly = false;
  }

  /** Tell the others, as long as the focus is in the editor. @param {FocusEvent} event */
  #follow = (event) => {
    if (!this.#base || !this.#context.mayEdit()) return;
    const target = event.type === 'focusin' ? event.target : event.relatedTarget;
    const isInside = target instanceof Node && this.#face.node.contains(target);
    if (isInside) this.#context.room.signal.start(this.name);
    else this.#context.room.signal.stop(this.name);
  };

  /** @param {KeyboardEvent} event */
  #key = (event) => {
    if (!this.#base || !this.#context.mayEdit() || isComposing(event)) return;
    const isInput = event.target instanceof HTMLInputElement;
    const isSave = event.key === 'Enter' && (isInput || event.ctrlKey || event.metaKey);
    if (event.key !== 'Escape' && !isSave) return;
    // Else Escape would close the whole dialog.
    event.preventDefault();
    event.stopPropagation();
    if (isSave) this.save();
    else this.leave();
  };
}
