// One exchange: what it was, its way from the request to the response, and what the chosen step did.

import { get, getText, offers, path, send } from './api.js';
import { announce, button, closer, el, fill } from './dom.js';
import { took } from './format.js';
import { format, go, replace } from './router.js';
import { statusClass } from './row.js';
import { StepView } from './step.js';
import { maskedNote, showWhatIf, whatIf } from './what-if.js';
import { changedOf, failed, stepName, timeline } from './timeline.js';

/** The steps that are none: the request as it came and the response as it went. */
const IN = 'in';
const OUT = 'out';

export class ExchangeView {
  onclose = () => {};
  #place = {};
  #exchange = null;
  #loading = null;
  /** Who did the step that the user chose last: the next exchange is opened at the same one. */
  #liked = null;
  /** What came of sending it again: shown with the new exchange. */
  #sent = null;

  constructor() {
    this.element = el('section', {
      class: 'detail', 'aria-label': 'Exchange', tabIndex: -1, hidden: true,
      on: { keydown: (event) => this.#key(event), click: (event) => this.#like(event.target.closest?.('.way a')?.dataset.step) },
    });
    this.step = new StepView((tab) => replace({ ...this.#place, step: this.#step(), tab }));
  }

  /** What of this place holds for another exchange too. */
  like() {
    return { step: undefined, tab: this.#place.tab };
  }

  focus() {
    (this.element.querySelector('.way a[aria-current]') ?? this.element).focus();
  }

  async show(place) {
    const before = this.#place;
    this.#place = place;
    this.element.hidden = place.id === undefined;
    if (place.id === undefined) {
      this.#loading?.abort();
      this.#exchange = null;
      return;
    }
    if (before.id === place.id && this.#exchange) return this.#showStep();
    await this.#load(place.id);
  }

  async #load(id) {
    this.#loading?.abort();
    const loading = new AbortController();
    this.#loading = loading;
    try {
      const exchange = await get(path`/api/v1/exchanges/${id}`, loading.signal);
      if (this.#loading !== loading) return;
      this.#exchange = exchange;
      this.#draw();
    } catch (error) {
      if (error.name === 'AbortError' || this.#loading !== loading) return;
      this.#exchange = null;
      const gone = error.status === 404;
      fill(this.element, [
        closer(() => this.onclose()),
        el('div', { class: 'empty' },
          el('h2', {}, gone ? 'This exchange is no longer kept' : 'The exchange can’t be shown'),
          el('p', {}, gone ? 'tollgate keeps the newest ones. Older ones made room for them.' : error.message)),
      ]);
    }
  }

  /** The step that the address names, or the one that is most likely of interest. */
  #step() {
    const { steps } = this.#exchange;
    const { step } = this.#place;
    if (step === IN || step === OUT || steps.some(({ index }) => String(index) === step)) return step;
    const liked = this.#liked && steps.find(({ performer }) => performer.name === this.#liked.name && performer.hook === this.#liked.hook);
    const best = liked ?? steps.find(failed) ?? steps.find((one) => one.performer.kind === 'plugin' && changedOf(one) !== 'no');
    return best ? String(best.index) : this.#exchange.response ? OUT : IN;
  }

  #draw() {
    const exchange = this.#exchange;
    this.notice = el('p', { class: 'notice', role: 'alert', hidden: true });
    this.outcome = el('section', { class: 'outcome', 'aria-label': 'What came of it', hidden: true });
    this.way = el('ol', { class: 'way', 'aria-label': 'From request to response' });
    fill(this.element, [
      closer(() => this.onclose()),
      el('h2', { class: 'title', title: exchange.target }, el('span', { class: 'method' }, exchange.method), ' ', el('bdi', {}, exchange.target)),
      this.#facts(),
      el('div', { class: 'acts' }, this.#actions()),
      this.notice,
      this.outcome,
      exchange.error ? el('p', { class: 'error' }, exchange.error) : null,
      this.way,
      this.step.element,
    ]);
    this.element.scrollTop = 0;
    if (this.#sent?.answer.id === exchange.id) this.#tellSent(this.#sent);
    this.#showStep();
  }

  #showStep() {
    const chosen = this.#step();
    const focused = this.way.contains(document.activeElement);
    fill(this.way, timeline(this.#exchange, chosen, (step) => ({ ...this.#place, step, tab: this.#place.tab })));
    if (focused) this.way.querySelector('a[aria-current]')?.focus();
    this.step.show(this.#exchange, chosen, this.#place.tab);
  }

  /** What came of it and how long it took; then where it came from and went to. */
  #facts() {
    const { status, ending, duration_us: duration, steps, protocol, client, authority, id, route } = this.#exchange;
    const computing = steps.reduce((sum, step) => sum + (step.computing_us ?? 0), 0);
    const ran = steps.some(({ performer }) => performer.kind === 'plugin');
    const came = ending === 'cut-off' ? 'cut off' : `${status ?? 'no response'}`;
    return [
      el('p', { class: 'sub first' }, el('b', { class: statusClass(this.#exchange) }, came), el('span', {}, took(duration)), ran ? el('span', {}, `${took(computing)} in plugins`) : null),
      el('p', { class: 'sub from' }, [
        authority ? `to ${authority}` : null, `${protocol} from ${client}`, route ? `route ${route}` : null, `id ${id}`,
      ].filter(Boolean).map((fact) => el('span', {}, fact))),
    ];
  }

  #actions() {
    const { id } = this.#exchange;
    const acts = [];
    if (offers('get', '/api/v1/exchanges/{}/curl')) {
      acts.push(button('Copy as curl', async (node) => {
        await this.#try(async () => {
          await navigator.clipboard.writeText(await getText(path`/api/v1/exchanges/${id}/curl`));
          node.textContent = 'Copied';
          announce('Copied');
          setTimeout(() => { node.textContent = 'Copy as curl'; }, 1500);
        });
      }));
    }
    if (offers('post', '/api/v1/exchanges/{}/replay')) {
      acts.push(button('Send again', () => this.#try(() => this.#replay(id)), { title: 'Send the request through tollgate once more, to the backend' }));
    }
    if (offers('post', '/api/v1/exchanges/{}/what-if')) {
      acts.push(button('What if', () => this.#try(async () => {
        const answer = await whatIf(id);
        if (id !== this.#place.id) return;
        this.#tell('What if: through the plugins as they are now', showWhatIf(answer));
        announce(answer.same ? 'The same as then' : 'It would be different now');
      }), { title: 'Run it through the plugins as they are now, without the backend' }));
    }
    return acts;
  }

  /** Sends the request again and goes to the exchange that this makes. */
  async #replay(id, body = {}) {
    let answer;
    try {
      answer = await send('POST', path`/api/v1/exchanges/${id}/replay`, body);
    } catch (error) {
      if (error.status !== 409 || body.masked) throw error;
      // Something of it is masked. Whether that matters, the user knows.
      this.#tell('Send again', [
        el('p', { class: 'said-so' }, error.message.replace(/;.*$/s, '.')),
        button('Send it with masks', () => this.#try(() => this.#replay(id, { masked: 'send' }))),
      ]);
      return;
    }
    this.#sent = { of: id, answer };
    if (id === this.#place.id) go({ ...this.#place, id: answer.id, step: undefined });
  }

  /** Says what came of it when the exchange was sent again. */
  #tellSent({ of, answer: { same, status, then, masked } }) {
    const words = same ? `Answered ${status}, the same as then.` : then.status === status ? `Answered ${status} as then, but with another body.` : `Answered ${status}. It was ${then.status ?? 'no response'} then.`;
    this.#tell('Sent again', [
      el('p', { class: `said-so ${same ? 'is-well' : ''}` }, words),
      maskedNote(masked),
      el('p', {}, el('a', { href: format({ ...this.#place, id: of, step: undefined }) }, 'To the exchange that it repeats')),
    ]);
    announce(`Sent again. ${words}`);
  }

  /** Shows what came of something, above the way. */
  #tell(title, content) {
    const close = closer(() => {
      this.outcome.hidden = true;
      this.element.focus();
    });
    fill(this.outcome, [close, el('h3', {}, title), content]);
    this.outcome.hidden = false;
  }

  async #try(act) {
    try {
      this.notice.hidden = true;
      this.outcome.hidden = true;
      await act();
    } catch (error) {
      this.notice.hidden = false;
      this.notice.textContent = error.message;
    }
  }

  /** Chooses the step before or behind the chosen one. */
  stepBy(by) {
    if (!this.#exchange) return;
    const all = [IN, ...this.#exchange.steps.map(({ index }) => String(index)), ...(this.#exchange.response ? [OUT] : [])];
    const next = all[all.indexOf(this.#step()) + by];
    if (next === undefined) return;
    this.#like(next);
    replace({ ...this.#place, step: next });
    const step = this.#exchange.steps.find(({ index }) => String(index) === next);
    announce(step ? stepName(step) : next === IN ? 'request as it came' : 'response as it went');
  }

  #key(event) {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === 'Escape') {
      event.preventDefault();
      this.onclose();
    } else if (this.way?.contains(event.target) && ['ArrowUp', 'ArrowDown', 'ArrowLeft', 'ArrowRight'].includes(event.key)) {
      event.preventDefault();
      this.stepBy(event.key === 'ArrowUp' || event.key === 'ArrowLeft' ? -1 : 1);
    }
  }

  #like(step) {
    if (step === undefined) return;
    const performer = this.#exchange.steps.find(({ index }) => String(index) === step)?.performer;
    this.#liked = performer?.kind === 'plugin' ? performer : null;
  }
}
