// The view of the log: the last lines and those that come, by plugin and level.

import { get, offers } from './api.js';
import { button, el, fill, say } from './dom.js';
import { clock, count } from './format.js';
import { format, replace } from './router.js';

/** As many lines as the host keeps; older ones are let go. */
const LIMIT = 2000;
/** Until the connection is tried again, in milliseconds. */
const PAUSE = 2000;
/** The most urgent first. */
const LEVELS = ['error', 'warn', 'info', 'debug', 'trace'];
/** What the proxy itself says. */
const OWN = 'tollgate';

/** Whether a line is shown where at least this level and only this plugin is asked for. */
export function fits({ level, plugin }, asked) {
  const urgency = (one) => (LEVELS.includes(one) ? LEVELS.indexOf(one) : 0);
  if (asked.level && urgency(level) > urgency(asked.level)) return false;
  if (!asked.plugin) return true;
  return asked.plugin === OWN ? !plugin : plugin === asked.plugin;
}

export class LogsView {
  /** All that are known, oldest first. */
  #lines = [];
  #place = { view: 'logs' };
  #source = null;
  #timer = 0;
  #told = 0;
  #paused = false;
  /** Came while the view was paused. */
  #waiting = 0;
  /** Names of plugins that could be chosen, beside those in lines. */
  #names = new Set();

  constructor() {
    this.level = el('select', { id: 'log-level', on: { change: () => this.#ask() } },
      el('option', { value: '' }, 'all'), LEVELS.slice(0, 4).map((level) => el('option', { value: level }, level === 'error' ? 'error' : `${level} and above`)));
    this.plugin = el('select', { id: 'log-plugin', on: { change: () => this.#ask() } });
    this.pause = button('Pause', () => this.#setPaused(!this.#paused), { class: 'pause', 'aria-pressed': 'false' });
    this.bar = el('div', { class: 'bar' },
      el('span', { class: 'choice' }, el('label', { for: 'log-level' }, 'Level'), this.level),
      el('span', { class: 'choice' }, el('label', { for: 'log-plugin' }, 'Plugin'), this.plugin), this.pause);
    this.error = el('p', { class: 'error', role: 'alert', hidden: true });
    this.note = el('p', { class: 'none note', hidden: true });
    this.body = el('tbody');
    this.table = el('table', { class: 'log' }, el('caption', { class: 'unseen' }, 'The log, oldest first'),
      el('colgroup', {}, ['at', 'level', 'by', 'text'].map((name) => el('col', { class: `of-${name}` }))),
      el('thead', { class: 'unseen' }, el('tr', {}, ['Time', 'Level', 'Plugin', 'Text'].map((name) => el('th', { scope: 'col' }, name)))), this.body);
    this.scroller = el('div', { class: 'log-lines', tabIndex: 0, role: 'region', 'aria-label': 'Lines of the log', on: { scroll: () => this.#scrolled() } }, this.note, this.table);
    this.empty = el('div', { class: 'empty', hidden: true });
    this.pill = button('', () => this.#toEnd(), { class: 'pill', hidden: true });
    this.element = el('section', { class: 'logs', 'aria-label': 'Log' }, el('h1', { class: 'unseen' }, 'Log'), this.bar, this.error, this.scroller, this.empty, this.pill);
  }

  show(place) {
    const before = this.#place;
    this.#place = place;
    this.level.value = LEVELS.includes(place.level) ? place.level : '';
    this.#drawNames();
    if (!this.#source) this.#follow();
    if (!this.drawn || before.level !== place.level || before.plugin !== place.plugin) this.#drawAll();
    // A list that was not in the document has forgotten where it stood.
    if (this.atEnd) this.#toEnd();
  }

  /** Nothing is asked while nobody looks. */
  hide() {
    clearTimeout(this.#timer);
    this.#source?.close();
    this.#source = null;
  }

  status() {}

  /** The plugins that there are. */
  plugins(plugins) {
    this.#names = new Set(plugins.map(({ name }) => name));
    this.#drawNames();
  }

  refresh() {
    if (this.#source) this.#follow();
  }

  key() {}

  /** New lines come from now on; then the last ones are read, so that none is missed. */
  #follow() {
    this.hide();
    if (!offers('get', '/api/v1/logs')) return;
    const source = new EventSource('/api/v1/events?only=log');
    this.#source = source;
    source.onopen = () => this.#load(source);
    source.addEventListener('log', (event) => this.#take(JSON.parse(event.data)));
    source.onerror = () => {
      source.close();
      if (this.#source === source) this.#timer = setTimeout(() => this.#follow(), PAUSE);
    };
  }

  async #load(source) {
    try {
      const last = await get(`/api/v1/logs?limit=${LIMIT}`);
      if (this.#source !== source) return;
      // A tollgate that was started anew counts anew.
      if ((last.lines.at(-1)?.number ?? 0) < this.#told) this.#forget();
      this.#take(last);
      this.error.hidden = true;
    } catch (error) {
      this.error.textContent = error.message;
      this.error.hidden = false;
    }
    this.#drawEmpty();
  }

  #forget() {
    this.#lines = [];
    this.#told = 0;
    this.body.replaceChildren();
  }

  #take({ lines, lost }) {
    const first = this.#told === 0;
    const known = new Set(this.#lines.map(({ number }) => number));
    const fresh = lines.filter(({ number }) => !known.has(number));
    if (lost > 0 && !first && fresh.length > 0) this.missing = (this.missing ?? 0) + lost;
    if (fresh.length === 0) return;
    const inOrder = fresh[0].number > this.#told;
    this.#lines.push(...fresh);
    this.#lines.sort((a, b) => a.number - b.number);
    this.#lines.splice(0, this.#lines.length - LIMIT);
    this.#told = this.#lines.at(-1).number;
    if (fresh.some(({ plugin }) => plugin && !this.#names.has(plugin))) this.#drawNames();
    if (this.#paused) {
      this.#waiting += fresh.filter((line) => fits(line, this.#place)).length;
      return this.#drawPill();
    }
    if (!inOrder) return this.#drawAll();
    return this.#add(fresh);
  }

  #add(lines) {
    const stays = this.atEnd !== false;
    const rows = lines.filter((line) => fits(line, this.#place)).map(row);
    this.body.append(...rows);
    while (this.body.rows.length > LIMIT) this.body.rows[0].remove();
    if (!stays) this.#waiting += rows.length;
    this.#drawEmpty();
    this.#drawPill();
    if (stays) this.#toEnd();
  }

  #drawAll() {
    this.drawn = true;
    this.#waiting = 0;
    this.body.replaceChildren();
    this.#add(this.#lines);
    this.#toEnd();
  }

  #drawNames() {
    const names = new Set([...this.#names, ...this.#lines.map(({ plugin }) => plugin).filter(Boolean)]);
    if (this.#place.plugin && this.#place.plugin !== OWN) names.add(this.#place.plugin);
    const wanted = ['', OWN, ...[...names].sort()];
    if (wanted.join('\n') !== [...this.plugin.options].map(({ value }) => value).join('\n')) {
      fill(this.plugin, wanted.map((name) => el('option', { value: name }, name === '' ? 'all' : name === OWN ? 'none: tollgate itself' : name)));
    }
    this.plugin.value = this.#place.plugin ?? '';
  }

  #drawEmpty() {
    const nothing = this.body.rows.length === 0;
    this.empty.hidden = !nothing;
    this.scroller.hidden = nothing;
    say(this.note, this.missing > 0 ? `${count(this.missing)} lines came too fast and are not here.` : '');
    this.note.hidden = !this.missing;
    if (!nothing) return;
    const filtered = this.#lines.length > 0;
    fill(this.empty, [
      el('h2', {}, filtered ? 'No such line' : 'No line yet'),
      el('p', {}, filtered ? 'None of the last lines has this level and plugin. New ones appear here.' : 'What tollgate and its plugins log appears here.'),
    ]);
  }

  #drawPill() {
    this.pill.hidden = this.#waiting === 0;
    if (this.#waiting > 0) say(this.pill, `${this.#paused ? '' : '↓ '}${count(this.#waiting)} new`);
  }

  #setPaused(paused) {
    this.#paused = paused;
    this.pause.setAttribute('aria-pressed', paused);
    say(this.pause, paused ? 'Resume' : 'Pause');
    if (!paused) this.#drawAll();
  }

  #toEnd() {
    if (this.#paused && this.#waiting > 0) return this.#setPaused(false);
    this.atEnd = true;
    this.#waiting = 0;
    this.scroller.scrollTop = this.scroller.scrollHeight;
    return this.#drawPill();
  }

  #scrolled() {
    const { scrollTop, clientHeight, scrollHeight } = this.scroller;
    if (clientHeight === 0) return;
    this.atEnd = scrollHeight - scrollTop - clientHeight < 8;
    if (this.atEnd && this.#waiting > 0 && !this.#paused) this.#toEnd();
  }

  #ask() {
    replace({ view: 'logs', level: this.level.value || undefined, plugin: this.plugin.value || undefined });
  }
}

function row({ at_us: at, level, plugin, exchange, message, number }) {
  const link = exchange ? el('a', { href: format({ view: 'exchanges', id: exchange }), title: `exchange ${exchange}` }, 'exchange') : null;
  return el('tr', { class: `level-${level ?? 'none'}`, data: { number } },
    el('td', { class: 'at' }, clock(at)),
    el('td', { class: 'level' }, level ?? ''),
    el('td', { class: 'by' }, plugin ?? el('span', { class: 'none' }, OWN)),
    el('td', { class: 'text' }, message, link ? [' ', link] : null));
}
