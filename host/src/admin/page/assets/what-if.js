// What would happen now: a recorded exchange, or all that fit the filter, through the plugins as they are, and what differs from then.

import { path, send } from './api.js';
import { button, closer, el, fill } from './dom.js';
import { changedRows, diff } from './diff.js';
import { count, several, took } from './format.js';
import { format } from './router.js';

/** As many exchanges as the host plays at once. */
const LIMIT = 1000;
/** Differing exchanges that are shown at first. */
const SHOWN = 50;

/** Asks what one exchange would be now. */
export const whatIf = (id) => send('POST', path`/api/v1/exchanges/${id}/what-if`, {});

/** What came of it, for one exchange. */
export function showWhatIf(answer) {
  const { same, then, now, masked = [], truncated } = answer;
  return [
    el('p', { class: `said-so ${same ? 'is-well' : ''}` }, same ? 'The same as then.' : outcomes(then, now)),
    maskedNote(masked),
    answer.differences.map(difference),
    truncated ? el('p', { class: 'none note' }, 'There are more differences. They are cut here.') : null,
  ];
}

/** Says which values were not those of then. */
export function maskedNote(masked) {
  if (masked.length === 0) return null;
  return el('p', { class: 'none note' }, `Secrets are not recorded: ${masked.join(', ')} had a mask in its place, so a plugin that reads it may do something else.`);
}

function outcomes(then, now) {
  if (then.status === now.status && then.error === now.error) return [outcome(now), el('span', { class: 'none' }, ' as then')];
  return [outcome(then), el('span', { class: 'none' }, ' then, '), outcome(now), el('span', { class: 'none' }, ' now')];
}

const outcome = ({ status, error }) => (error ? el('span', { class: 'is-bad' }, `${status ?? ''} ${error}`.trim()) : el('b', {}, String(status ?? 'no response')));

function difference({ plugin, hook, where, what, rows }) {
  const part = where === 'outcome' ? `outcome${hook ? ` of ${hook}` : ''}` : `${where} ${what}`;
  return el('section', { class: 'difference' },
    el('h4', { title: hook ? `in ${hook}` : null }, plugin ?? 'What the client gets', el('span', {}, part)),
    diff({ rows, truncated: false }, ['then', 'now']));
}

/** A URL without its host: where it went is the same for most. */
const target = (url) => url.replace(/^[a-z]+:\/\/[^/?#]*/i, '') || '/';

/** All exchanges that fit the filter. */
export class WhatIfView {
  onclose = () => {};
  #running = null;
  #asked;

  constructor() {
    this.element = el('section', { class: 'detail what-if', 'aria-label': 'What if', tabIndex: -1, hidden: true, on: { keydown: (event) => {
      if (event.key === 'Escape' && !event.defaultPrevented) this.onclose();
    } } });
  }

  focus() {
    this.element.focus();
  }

  /** Shows what the filter's exchanges would be now. The same filter is asked again only on request. */
  show(filter) {
    this.element.hidden = false;
    if (this.#asked !== filter) this.#run(filter);
  }

  hide() {
    this.element.hidden = true;
    if (!this.#running) return;
    // Nobody waits for it any more; the host ends what runs.
    this.#running.abort();
    this.#running = null;
    this.#asked = undefined;
  }

  async #run(filter) {
    this.#asked = filter;
    this.#running?.abort();
    const running = new AbortController();
    this.#running = running;
    this.#draw(filter, [el('p', { class: 'none', role: 'status' }, 'Runs the recorded exchanges through the plugins as they are now…')]);
    try {
      const answer = await send('POST', '/api/v1/what-if', { limit: LIMIT, ...(filter ? { filter } : {}) }, running.signal);
      if (this.#running !== running) return;
      this.#running = null;
      this.#draw(filter, this.#answer(answer, filter));
    } catch (error) {
      if (error.name === 'AbortError' || this.#running !== running) return;
      this.#running = null;
      this.#draw(filter, [el('p', { class: 'error', role: 'alert' }, error.message)]);
    }
  }

  #draw(filter, content) {
    const again = button('Run again', () => this.#run(filter));
    fill(this.element, [
      closer(() => this.onclose()),
      el('h2', { class: 'title' }, 'What if'),
      el('p', { class: 'sub' }, el('span', {}, 'Recorded exchanges through the plugins as they are now. No request leaves tollgate: the backend answers as it did then.')),
      filter ? el('p', { class: 'sub' }, el('span', {}, 'Filter ', el('code', {}, filter))) : null,
      el('div', { class: 'acts' }, again),
      content,
    ]);
  }

  #answer(answer, filter) {
    const { played, same, different, skipped, masked, timed_out: late, elapsed_us: elapsed } = answer;
    if (played === 0 && skipped.length === 0) return [el('p', { class: 'none note' }, 'No recorded exchange fits the filter.')];
    const list = el('ol', { class: 'different' }, different.slice(0, SHOWN).map((one) => this.#one(one, filter)));
    const rest = different.slice(SHOWN);
    return [
      el('div', { role: 'status' }, el('dl', { class: 'numbers' },
        number(different.length, 'different', different.length > 0 ? 'is-accent' : ''), number(same, 'same'), number(skipped.length, 'left out'),
        number(took(elapsed), `for ${several(played, 'exchange')}`))),
      late ? el('p', { class: 'warning' }, 'It took too long and was ended. What is here is what was done by then.') : null,
      masked > 0 ? el('p', { class: 'none note' }, `Secrets are not recorded. In ${several(masked, 'exchange')} a mask stood in their place, so a plugin that reads them may do something else.`) : null,
      different.length === 0 && played > 0 ? el('p', { class: 'is-well said-so' }, 'All are the same as then.') : null,
      list,
      rest.length > 0 ? button(`Show ${count(rest.length)} more`, (node) => {
        list.append(...rest.map((one) => this.#one(one, filter)));
        node.remove();
      }, { class: 'more' }) : null,
      skipped.length > 0 ? el('details', { class: 'skipped' }, el('summary', {}, `${several(skipped.length, 'exchange')} left out`),
        el('table', { class: 'fields' }, el('tbody', {}, skipped.slice(0, 200).map(({ id, why }) => el('tr', {},
          el('th', { scope: 'row' }, el('a', { href: format({ view: 'exchanges', id, filter }) }, id)), el('td', {}, why)))))) : null,
    ];
  }

  /** What differs is made when it is opened. */
  #one(one, filter) {
    const { id, method, url, then, now, differences } = one;
    const plugins = [...new Set(differences.map(({ plugin }) => plugin).filter(Boolean))];
    const changes = differences.reduce((sum, { rows }) => sum + changedRows({ rows }), 0);
    const statuses = then.status === now.status ? String(now.status ?? '') : `${then.status ?? 'none'} → ${now.status ?? 'none'}`;
    const inside = el('div', {});
    const details = el('details', { on: { toggle: () => {
      if (details.open && inside.childElementCount === 0) fill(inside, [el('p', {}, el('a', { href: format({ view: 'exchanges', id, filter }) }, 'Open the exchange')), showWhatIf(one)]);
    } } },
    el('summary', {},
      el('span', { class: 'what', title: url }, el('span', { class: 'method' }, method), ' ', el('bdi', {}, target(url))),
      el('span', { class: `status ${then.status === now.status ? '' : 'is-warning'}` }, statuses),
      el('span', { class: 'by' }, `${plugins.join(', ')}${plugins.length > 0 ? ', ' : ''}${several(changes, 'line')}`)), inside);
    return el('li', {}, details);
  }
}

const number = (value, word, tone = '') => el('div', { class: tone }, el('dt', {}, word), el('dd', {}, typeof value === 'number' ? count(value) : value));
