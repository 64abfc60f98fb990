// One plugin: how it is, what can be done with it, its settings, and what happened to it.

import { get, offers, path, send } from './api.js';
import { announce, button, closer, el, fill, say } from './dom.js';
import { bytes, count, moment, took } from './format.js';
import { format } from './router.js';
import { SettingsForm } from './settings-form.js';
import { tone } from './plugins.js';

/** Events that are shown at first. */
const NEWEST = 5;

/** A text of so many characters stands in the line of its event. */
const SHORT = 60;

/** The limits that are numbers of bytes. */
const BYTES = new Set(['memory', 'body', 'piece', 'file_size']);

const EVENTS = {
  serves: 'serves', refused: 'refused', removed: 'removed', 'rolled-back': 'rolled back', promoted: 'promoted',
  enabled: 'enabled', disabled: 'disabled', settings: 'settings', order: 'order',
};

export class PluginView {
  #name;
  #plugin = null;
  #changed;
  #loading = null;

  /** `changed` is called when an action changed the plugin. */
  constructor(close, changed) {
    this.#changed = changed;
    const act = (label, title, action) => button(label, () => this.#act(label, action), { title });
    const post = (action, body) => async () => send('POST', path`/api/v1/plugins/${this.#name}/${action}`, body?.());
    const keep = () => ({ keep: this.keep.value });
    this.reload = act('Reload', 'Read its files again now', post('reload'));
    this.enable = act('Enable', 'Let exchanges pass through it again', post('enable', keep));
    this.disable = act('Disable', 'Take it out of the chain', post('disable', keep));
    this.rollback = act('Roll back', 'Serve the version before, until the file changes or you promote it', post('rollback'));
    this.promote = act('Promote', 'Serve what the file holds again', post('promote'));
    this.log = el('a', { class: 'button' }, 'Its log');
    this.order = el('input', { type: 'text', inputmode: 'numeric', id: 'order', size: 6, autocomplete: 'off' });
    this.setOrder = act('Set', 'Lower runs first on requests', async () => {
      const order = Number(this.order.value);
      return send('PUT', path`/api/v1/plugins/${this.#name}/order`, { order: Number.isInteger(order) && this.order.value.trim() !== '' ? order : this.order.value, keep: this.keep.value });
    });
    this.keep = el('select', { id: 'keep' }, el('option', { value: 'memory' }, 'until tollgate stops'), el('option', { value: 'file' }, 'in the plugin’s .toml file'));
    this.title = el('h2', { class: 'title' });
    this.state = el('p', { class: 'sub' });
    this.problem = el('p', { class: 'error', role: 'alert', hidden: true });
    this.words = el('div', { class: 'words' });
    this.facts = el('dl', { class: 'facts' });
    this.history = el('ol', { class: 'history' });
    this.settings = el('section', { 'aria-labelledby': 'settings-title' });
    this.element = el('section', { class: 'detail', 'aria-label': 'Plugin', tabIndex: -1, hidden: true, on: { keydown: (event) => {
      if (event.key === 'Escape' && !event.target.matches('input, textarea, select')) close();
    } } },
    closer(close),
    this.title, this.state, this.words,
    el('div', { class: 'acts' }, this.reload, this.rollback, this.promote, this.enable, this.disable, this.log),
    el('p', { class: 'together keep' }, el('label', { for: 'keep' }, 'Keep changes'), this.keep),
    this.problem,
    el('section', {}, el('h3', {}, 'History'), this.history),
    this.settings,
    el('section', { class: 'keeping' },
      el('h3', {}, 'Place in the chain'),
      el('p', { class: 'together' }, el('label', { for: 'order' }, 'Order'), this.order, this.setOrder)),
    el('section', {}, el('h3', {}, 'Facts'), this.facts));
  }

  async show(name) {
    this.element.hidden = name === undefined;
    if (name === this.#name) return;
    this.#name = name;
    this.#plugin = null;
    this.problem.hidden = true;
    this.form = null;
    say(this.title, name ?? '');
    this.#setKnown(false);
    if (name !== undefined) await this.refresh();
  }

  /** Asks for the plugin again. What the user typed stays. */
  async refresh() {
    const name = this.#name;
    if (name === undefined) return;
    this.#loading?.abort();
    const loading = new AbortController();
    this.#loading = loading;
    try {
      const plugin = await get(path`/api/v1/plugins/${name}`, loading.signal);
      if (this.#loading !== loading) return;
      this.#plugin = plugin;
      this.#draw();
    } catch (error) {
      if (error.name === 'AbortError') return;
      if (error.status === 404) this.#setKnown(false);
      say(this.state, error.status === 404 ? 'There is no plugin of this name any more.' : error.message);
    }
  }

  /** Without the plugin there is nothing to do with it. */
  #setKnown(known) {
    this.element.classList.toggle('is-unknown', !known);
    if (!known) this.state.replaceChildren();
  }

  async #act(label, action) {
    this.problem.hidden = true;
    try {
      await action();
      announce(`${label}: done`);
    } catch (error) {
      this.problem.textContent = error.message;
      this.problem.hidden = false;
    }
    this.#changed();
  }

  #draw() {
    const plugin = this.#plugin;
    const { name, state, serving, enabled, can_roll_back: canRollBack, order, error, warnings = [], history = [] } = plugin;
    this.#setKnown(true);
    fill(this.state, [
      el('span', { class: `state ${tone(plugin)}` }, state),
      serving ? el('span', {}, `${serving.version.slice(0, 12)} since ${moment(serving.since_us)}`) : null,
      serving?.pinned ? el('span', { class: 'is-warning' }, 'rolled back: the file holds a newer version') : null,
    ]);
    fill(this.words, [
      error ? el('div', { class: 'refusal' }, serving ? el('p', {}, 'The file was refused. The version before goes on serving.') : null, el('pre', { tabIndex: 0, role: 'region', 'aria-label': 'Error' }, error)) : null,
      warnings.map((text) => el('p', { class: 'warning' }, text)),
    ]);
    const has = (action) => offers('post', `/api/v1/plugins/{}/${action}`);
    this.log.hidden = !offers('get', '/api/v1/logs');
    this.log.href = format({ view: 'logs', plugin: name });
    this.reload.hidden = !has('reload');
    this.rollback.hidden = !has('rollback') || !canRollBack;
    this.promote.hidden = !has('promote') || !serving?.pinned;
    this.enable.hidden = !has('enable') || enabled;
    this.disable.hidden = !has('disable') || !enabled;
    this.setOrder.parentElement.parentElement.hidden = !offers('put', '/api/v1/plugins/{}/order');
    if (document.activeElement !== this.order) this.order.value = String(order);
    this.#drawFacts(plugin);
    this.#drawHistory(history);
    this.#drawSettings(plugin);
  }

  #drawHistory(history) {
    const events = [...history].sort((a, b) => b.at_us - a.at_us);
    const shown = this.allHistory === this.#name ? events : events.slice(0, NEWEST);
    fill(this.history, [
      shown.map(event),
      events.length === 0 ? el('li', { class: 'none' }, 'Nothing happened yet.') : null,
      shown.length === events.length ? null : el('li', { class: 'more' }, button(`Show all ${events.length} events`, () => {
        this.allHistory = this.#name;
        this.#drawHistory(history);
      })),
    ]);
  }

  #drawFacts({ serving, file, kind, required, permissions, match, limits, allow, settings_source: source }) {
    const facts = [
      ['File', file], ['Kind', kind], ['Code', serving?.tier], ['Required', required ? 'yes: without it requests are refused' : 'no'],
      ['Settings from', { configuration: 'the configuration file', beside: 'the .toml file beside it', admin: 'this page' }[source] ?? source],
      ['Permissions', list(permissions)], ['Allowed', list(allow)], ['Takes part in', rules(match)], ['Limits', limitsOf(limits)],
    ];
    fill(this.facts, facts.filter(([, value]) => value !== undefined && value !== null && value !== '').map(([name, value]) => [el('dt', {}, name), el('dd', {}, String(value))]));
  }

  #drawSettings({ name, settings, masked, schema }) {
    this.settings.hidden = !offers('put', '/api/v1/plugins/{}/settings');
    if (this.form?.dirty || this.settings.hidden) return;
    const now = JSON.stringify([name, settings, masked, schema]);
    if (this.form && this.form.made === now) return;
    this.form = new SettingsForm(schema, settings, masked, async (wanted) => {
      await send('PUT', path`/api/v1/plugins/${name}/settings`, { settings: wanted, keep: this.keep.value });
      // It is made anew, unless something else is typed before.
      this.form.made = '';
      announce('Settings saved');
      this.#changed();
    });
    this.form.made = now;
    fill(this.settings, [el('h3', { id: 'settings-title' }, 'Settings'), this.form.element]);
  }
}

function event({ at_us: at, event: what, version, text }) {
  return el('li', { class: `event event-${what}` },
    el('time', { datetime: new Date(at / 1000).toISOString() }, moment(at)),
    el('b', {}, EVENTS[what] ?? what),
    el('span', { class: 'v' }, version ? version.slice(0, 6) : ''),
    text ? el('pre', { class: text.length <= SHORT && !text.includes('\n') ? 'short' : '' }, text) : null);
}

/** The exchanges that a plugin takes part in: those that any rule matches. */
function rules(match) {
  if (!Array.isArray(match) || match.length === 0) return 'every exchange';
  const words = ({ host, path: where, method = [] }) => [method.join(' or '), host, where].filter(Boolean).join(' ');
  return match.map(words).join('; ');
}

/** Data of a few words; nothing if there is nothing in it. */
function list(value) {
  if (value === null || value === undefined) return '';
  if (Array.isArray(value)) return value.map((one) => (typeof one === 'string' ? one : list(one))).join(', ');
  if (typeof value !== 'object') return String(value);
  return Object.entries(value).filter(([, one]) => one !== null && one !== false && !(Array.isArray(one) && one.length === 0))
    .map(([key, one]) => (one === true ? key : `${key}: ${list(one)}`)).join('; ');
}

function limitsOf(limits) {
  if (limits === null || typeof limits !== 'object') return list(limits);
  const words = ([key, value]) => {
    const name = key.replace(/_us$/, '').replaceAll('_', ' ');
    if (key.endsWith('_us')) return `${name} ${took(value)}`;
    return `${name} ${BYTES.has(key) ? bytes(value) : count(value)}`;
  };
  return Object.entries(limits).map(words).join(', ');
}
