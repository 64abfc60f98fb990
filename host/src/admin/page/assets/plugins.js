// The view of plugins: all of them in the order of the chain, and the one that was chosen.

import { get } from './api.js';
import { el, fill } from './dom.js';
import { moment } from './format.js';
import { PluginView } from './plugin.js';
import { format, go } from './router.js';

/** What a state means for who looks at it: is all well? */
export function tone({ state, error }) {
  if (error || /refused|failed|missing/.test(state)) return 'is-bad';
  return state === 'active' ? 'is-well' : '';
}

/** What happened to it last. */
function last({ history = [] }) {
  const newest = history.reduce((one, other) => (one && one.at_us > other.at_us ? one : other), null);
  return newest ? [el('time', {}, moment(newest.at_us)), `${newest.event.replace('-', ' ')}${newest.text ? `: ${newest.text.split('\n')[0]}` : ''}`] : '';
}

export class PluginsView {
  #plugins = [];
  #place = {};
  #asked = 0;

  constructor() {
    this.table = el('table', { class: 'chain' },
      el('caption', { class: 'unseen' }, 'Plugins in the order of the chain'),
      el('thead', {}, el('tr', {}, [['Order', 'n'], ['Plugin'], ['State'], ['Last event', 'last']].map(([name, kind]) => el('th', { scope: 'col', class: kind }, name)))),
      this.body = el('tbody'));
    this.empty = el('div', { class: 'empty', hidden: true });
    this.error = el('p', { class: 'error', role: 'alert', hidden: true });
    this.detail = new PluginView(() => go({ view: 'plugins' }), () => this.refresh());
    this.element = el('div', { class: 'plugins split' }, el('h1', { class: 'unseen' }, 'Plugins'),
      el('section', { class: 'list', 'aria-label': 'List' }, this.error, this.table, this.empty), this.detail.element);
  }

  show(place) {
    this.#place = place;
    this.element.classList.toggle('has-detail', place.id !== undefined);
    this.#draw();
    this.detail.show(place.id);
    if (!this.loaded) this.refresh();
  }

  /** Asks again, once for many events. */
  refresh() {
    this.loaded = true;
    this.#asked ||= setTimeout(async () => {
      this.#asked = 0;
      try {
        const { plugins } = await get('/api/v1/plugins');
        this.#plugins = plugins;
        this.error.hidden = true;
      } catch (error) {
        this.error.textContent = error.message;
        this.error.hidden = false;
      }
      this.#draw();
      this.onplugins?.(this.#plugins);
      if (this.#place.view === 'plugins') this.detail.refresh();
    }, 50);
  }

  status(status) {
    this.directory = status.plugins_dir;
    if (this.#plugins.length === 0) this.#draw();
  }

  key() {}

  #draw() {
    const none = this.#plugins.length === 0;
    this.table.hidden = none;
    this.empty.hidden = !none || this.#asked !== 0;
    if (none) {
      fill(this.empty, [
        el('h2', {}, 'No plugin yet'),
        el('p', {}, 'Put a .wasm file into the plugins directory. It serves as soon as it is written, without a restart.'),
        this.directory ? el('pre', {}, `cp my-plugin.wasm ${this.directory}/`) : null,
      ]);
    }
    const focused = this.body.contains(document.activeElement) ? document.activeElement.closest('tr').dataset.name : null;
    fill(this.body, this.#plugins.map((plugin) => this.#row(plugin)));
    if (focused) [...this.body.rows].find(({ dataset }) => dataset.name === focused)?.querySelector('a').focus();
  }

  #row(plugin) {
    const { name, order, state, serving } = plugin;
    const current = name === this.#place.id;
    return el('tr', { class: current ? 'current' : '', data: { name } },
      el('td', { class: 'n' }, String(order)),
      el('th', { scope: 'row' }, el('a', { href: format({ view: 'plugins', id: name }), 'aria-current': current ? 'true' : null }, name),
        serving ? el('small', { class: 'v' }, serving.version.slice(0, 6)) : null),
      el('td', {}, el('span', { class: `state ${tone(plugin)}` }, serving?.pinned ? `${state}, rolled back` : state)),
      el('td', { class: 'last' }, last(plugin)));
  }
}
