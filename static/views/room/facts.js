import { exactly } from '../../time.js';
import { el, setText } from '../dom.js';

const NAMES = ['Customer', 'Placed', 'Last change'];

/** Whose order it is, and from when. */
export class FactsView {
  #values = NAMES.map(() => el('dd', { dir: 'auto' }));

  constructor() {
    const pairs = NAMES.map((name, i) => el('div', {}, el('dt', {}, name), this.#values[i]));
    this.node = el('dl', { class: 'room-facts' }, ...pairs);
  }

  /** @param {import('../../api.js').Order} order */
  update({ owner, created_at: placed, updated_at: changed }) {
    const texts = [owner.name, exactly(placed), exactly(changed)];
    this.#values.forEach((value, index) => setText(value, texts[index]));
  }
}
