import { sentenceOf } from '../../problems.js';
import { differing, isSame, skuOf, valueOf } from '../../room/edits.js';
import { FieldMarks } from './field-marks.js';

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
 * @property {(order: Order) => any} read what was typed; undefined when it cannot be sent
 * @property {(value: any, order: Order) => string} tell a value, in the hint that it was changed
 * @property {() => void} focus what opens the editor
 */

/**
 * A field that is shown, and edited where it stands. While a person edits it, it keeps what they
 * type, and says what others made of it meanwhile.
 */
export class Field {
  #context;
  #face;
  /** @type {Order | null} the order on which the edit is made; null: nobody edits here */
  #base = null;
  #isBusy = false;
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
    if (!this.#base) return this.#face.show(order, this.#context.mayEdit());
    if (!this.#context.mayEdit()) return this.close();
    const theirs = valueOf(order, this.name);
    if (isSame(theirs, valueOf(this.#base, this.name))) return this.#marks.overtaken(null, '');
    const event = this.#context.room.timeline.lastChange([this.name], this.#base.version);
    this.#marks.overtaken(event?.actor ?? null, this.#face.tell(theirs, order));
  }

  /** Others began or ended to edit. */
  updateEditors() {
    this.#marks.editedBy(this.#context.room.editing.of(this.name), this.#context.room.user);
  }

  /** @param {any} [draft] what to begin with; else the value as it is */
  open(draft) {
    const { shown, confirmed } = this.#context.room.saving;
    if (this.#base || !shown || !confirmed || !this.#context.mayEdit()) return;
    const value = draft === undefined ? valueOf(shown, this.name) : draft;
    // A line that others have removed meanwhile.
    if (value === null && skuOf(this.name) !== null) return;
    this.#base = confirmed;
    this.#face.edit(value, shown);
  }

  save = async () => {
    if (!this.#base) return;
    const value = this.#face.read(this.#base);
    if (value !== undefined) await this.send(value);
  };

  /** @param {any} value */
  async send(value) {
    const base = this.#base ?? this.#context.room.saving.confirmed;
    const edit = this.#toEdit(value);
    this.#isBusy = true;
    this.close();
    try {
      const isChange = base && Object.keys(differing(base, edit)).length > 0;
      if (isChange && !(await this.#context.save(edit, base))) this.open(value ?? undefined);
    } catch (error) {
      this.open(value ?? undefined);
      this.#marks.error(sentenceOf(error));
    } finally {
      this.#isBusy = false;
    }
  }

  cancel = () => this.close();

  /** Back to what it is; a draft is given up. */
  close() {
    const { room, mayEdit } = this.#context;
    const hadFocus = this.#face.node.contains(document.activeElement);
    room.signal.stop(this.name);
    this.#base = null;
    this.#marks.clear();
    if (room.order) this.#face.show(room.order, mayEdit());
    if (hadFocus) this.#face.focus();
  }

  /** Tell the others, as long as the focus is in the editor. @param {FocusEvent} event */
  #follow = (event) => {
    if (!this.#base) return;
    const target = event.type === 'focusin' ? event.target : event.relatedTarget;
    const isInside = target instanceof Node && this.#face.node.contains(target);
    if (isInside) this.#context.room.signal.start(this.name);
    else this.#context.room.signal.stop(this.name);
  };

  /** @param {KeyboardEvent} event */
  #key = (event) => {
    if (!this.#base) return;
    const isInput = event.target instanceof HTMLInputElement;
    const isSave = event.key === 'Enter' && (isInput || event.ctrlKey || event.metaKey);
    if (event.key !== 'Escape' && !isSave) return;
    // Else Escape would close the whole dialog.
    event.preventDefault();
    event.stopPropagation();
    if (isSave) this.save();
    else this.cancel();
  };
}
