// Replay: runs recorded exchanges through the plugins as they are now, without the backend, and shows what would be different.

import { send } from './api.js';
import { announce, button, el, fill } from './dom.js';
import { diff } from './diff.js';
import { several } from './format.js';
import { format, go } from './router.js';

export class ReplayView {
  constructor() {
    this.input = el('input', { type: 'search', id: 'what-if-filter', placeholder: 'all recorded exchanges', spellcheck: false, autocomplete: 'off' });
    this.run = button('What if', () => this.#run(), { class: 'primary', type: 'submit' });
    this.error = el('p', { class: 'error', role: 'alert', hidden: true });
    this.results = el('div', { class: 'results' });
    this.element = el('div', { class: 'replay detail' },
      el('h1', { class: 'title' }, 'What if'),
      el('p', { class: 'sub' }, 'Runs recorded exchanges through the plugins as they are now. The backend is not asked: its recorded answers are used.'),
      el('form', { class: 'together', on: { submit: (event) => event.preventDefault() } },
        el('label', { for: 'what-if-filter' }, 'Filter or exchange'), this.input, this.run),
      this.error, this.results);
  }

  show(place) {
    if (place.id === undefined) return;
    this.input.value = place.id;
    go({ view: 'replay' });
    this.run.click();
  }

  refresh() {}
  status() {}
  key() {}

  async #run() {
    const text = this.input.value.trim();
    this.error.hidden = true;
    fill(this.results, [el('p', { class: 'none' }, 'Running …')]);
    try {
      const answer = await send('POST', '/api/v1/what-if', /^[0-9a-f]{16}$/.test(text) ? { ids: [text] } : { filter: text });
      this.#draw(answer);
    } catch (error) {
      fill(this.results, []);
      this.error.textContent = error.message;
      this.error.hidden = false;
    }
  }

  #draw(answer) {
    const all = answer.exchanges ?? [];
    const different = all.filter(({ same }) => !same);
    const summary = `${several(all.length, 'exchange')}, ${different.length === 0 ? 'all as before' : `${different.length} different`}`;
    announce(summary);
    fill(this.results, [
      el('h2', {}, summary),
      different.map((one) => el('section', {},
        el('h3', {}, el('a', { href: format({ view: 'exchanges', id: one.id }) }, one.title ?? one.id)),
        (one.diffs ?? []).map(({ name, rows, truncated }) => [el('p', { class: 'none' }, name), diff({ rows, truncated })]))),
    ]);
  }
}
