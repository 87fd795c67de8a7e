import { Problem, sentenceOf } from '../problems.js';
import { el, icon } from './dom.js';
import { initials } from './text.js';

/** @typedef {import('../api.js').Demo} Demo */

const WHAT_THEY_SEE = {
  admin: 'Everything',
  staff: 'All orders, moves them along',
  customer: 'Their own orders',
};

const PITCH = ['One order.', 'Every screen.', 'The same moment.'];

/** The page for those who are not signed in. */
export class SignInView {
  #onSignIn;
  #email = field('E-mail', 'email', 'username');
  #password = field('Password', 'password', 'current-password');
  #error = el('p', { class: 'form-error', role: 'alert' });
  #submit = el('button', { class: 'button main wide', type: 'submit' }, 'Sign in');
  #demo = el('div', { class: 'demo' });
  #form;

  /** @param {(email: string, password: string) => Promise<void>} onSignIn */
  constructor(onSignIn) {
    this.#onSignIn = onSignIn;
    this.#form = el(
      'form',
      {
        class: 'sign-in-form',
        testid: 'sign-in-form',
        noValidate: true,
        on: { submit: this.#send },
      },
      this.#email.label,
      this.#password.label,
      this.#error,
      this.#submit,
    );
    this.node = el('div', { class: 'sign-in' }, pitch(), this.#panel());
  }

  /** @param {string} text why this page is shown, if there is a reason */
  explain(text) {
    this.#error.textContent = text;
  }

  /** @param {Demo} demo people that can be played with one click */
  offer({ people, password }) {
    const cards = people.map((person) => this.#person(person, password));
    const heading = el('h2', { class: 'demo-title' }, 'Or look around as');
    this.#demo.replaceChildren(heading, el('div', { class: 'demo-people' }, ...cards));
  }

  #panel() {
    const title = el('h1', { class: 'sign-in-title' }, 'Sign in');
    return el('main', { class: 'sign-in-panel' }, title, this.#form, this.#demo);
  }

  /** @param {Demo['people'][number]} person @param {string} password */
  #person({ email, name, role }, password) {
    const sees = WHAT_THEY_SEE[/** @type {keyof typeof WHAT_THEY_SEE} */ (role)] ?? role;
    const short = email.split('@')[0];
    const avatar = el('span', { class: 'avatar', 'aria-hidden': 'true' }, initials(name));
    const text = el('span', { class: 'demo-text' }, el('strong', {}, name), el('span', {}, sees));
    const on = { click: () => this.#signIn(email, password) };
    const props = { class: 'demo-person', type: 'button', testid: `demo-${short}`, on };
    return el('button', { ...props, data: { role } }, avatar, text, icon('arrow'));
  }

  /** @param {Event} event */
  #send = (event) => {
    event.preventDefault();
    const [email, password] = [this.#email.input.value.trim(), this.#password.input.value];
    if (email && password) this.#signIn(email, password);
    else this.#refuse('Please enter your e-mail address and your password.');
  };

  /** @param {string} email @param {string} password */
  async #signIn(email, password) {
    this.#error.textContent = '';
    this.#setBusy(true);
    try {
      await this.#onSignIn(email, password);
    } catch (error) {
      const isWrong = error instanceof Problem && [400, 401, 422].includes(error.status);
      this.#refuse(isWrong ? 'That e-mail and password do not match.' : sentenceOf(error));
    } finally {
      this.#setBusy(false);
    }
  }

  /** @param {string} text */
  #refuse(text) {
    this.#error.textContent = text;
    (this.#email.input.value ? this.#password : this.#email).input.focus();
  }

  /** @param {boolean} isBusy */
  #setBusy(isBusy) {
    for (const button of this.node.querySelectorAll('button')) button.disabled = isBusy;
    this.#submit.textContent = isBusy ? 'Signing in…' : 'Sign in';
  }
}

/** @param {string} text @param {string} type @param {AutoFill} autocomplete */
function field(text, type, autocomplete) {
  const input = el('input', { class: 'input', type, name: type, autocomplete, required: true });
  const label = el('label', { class: 'field' }, el('span', { class: 'field-name' }, text), input);
  return { input, label };
}

function pitch() {
  // A picture does not see what the page's reader prefers: it is told by the fragment.
  const still = matchMedia('(prefers-reduced-motion: reduce)').matches ? '#still' : '';
  const art = el('img', { class: 'pitch-art', src: `/static/art/board.svg${still}`, alt: '' });
  return el(
    'div',
    { class: 'pitch' },
    el('p', { class: 'wordmark' }, el('img', { src: '/static/art/mark.svg', alt: '' }), 'Tandem'),
    el('p', { class: 'pitch-line' }, ...PITCH.map((line) => el('span', {}, line))),
    el(
      'p',
      { class: 'pitch-text' },
      'Whatever a colleague or a customer changes is on your board before they have let go of the mouse.',
    ),
    art,
  );
}
