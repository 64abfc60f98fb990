// The view of exchanges: a live list with a filter, and the exchange that was chosen in it.

import { get, offers, send } from './api.js';
import { announce, button, el, fill, say, wide } from './dom.js';
import { ExchangeView } from './exchange.js';
import { filterHelp } from './filter-help.js';
import { count, several } from './format.js';
import { List } from './list.js';
import { Ring } from './ring.js';
import { go, replace } from './router.js';
import { columns, makeRow, showRow } from './row.js';
import { WhatIfView } from './what-if.js';

/** What stands in an address in the place of an exchange when all that are listed are meant. */
const WHAT_IF = 'what-if';
const PAGE = 500;
/** When more came than the connection took, the host is asked for them, but not more often than this, in milliseconds. */
const ASK_EVERY = 1000;

export class ExchangesView {
  /** Called with a filter that the host has understood: from now on exchanges that fit are to arrive. */
  onfilter = () => {};
  #ring = new Ring();
  #list;
  #filter = '';
  #paused = false;
  #more = false;
  #loading = null;
  /** Arrived while the list was loaded. */
  #meanwhile = [];
  #asking = 0;
  #place = { view: 'exchanges' };
  #cursor;
  #status;

  constructor() {
    this.#buildBar();
    this.pill = button('', () => this.#toTop(), { class: 'pill', hidden: true });
    this.scroller = el('div', {
      class: 'rows', role: 'listbox', tabIndex: 0, 'aria-label': 'Exchanges, newest first',
      on: { keydown: (event) => this.#key(event), click: (event) => this.#click(event) },
    });
    this.empty = el('div', { class: 'empty', hidden: true });
    this.detail = new ExchangeView();
    this.detail.onclose = () => this.#close();
    this.whatIf = new WhatIfView();
    this.whatIf.onclose = () => this.#close();
    this.columns = columns();
    this.pane = el('section', { class: 'list', 'aria-label': 'List' }, this.bar, this.columns, this.pill, this.scroller, this.empty);
    this.element = el('div', { class: 'exchanges split' }, el('h1', { class: 'unseen' }, 'Exchanges'), this.pane, this.detail.element, this.whatIf.element);
    this.#list = new List(this.scroller, this.#ring, {
      make: makeRow,
      show: showRow,
      chosen: ({ id }) => id === this.#cursor,
      scrolled: () => this.#scrolled(),
      // The names stand above their columns, also where the scrollbar takes room.
      resized: () => this.columns.style.setProperty('--gutter', `${this.scroller.offsetWidth - this.scroller.clientWidth}px`),
    });
  }

  #buildBar() {
    this.input = el('input', {
      type: 'search', id: 'filter', placeholder: 'Filter, such as ~u /users & ~c 500', spellcheck: false, autocomplete: 'off',
      'aria-label': 'Filter', 'aria-describedby': 'filter-error', 'aria-keyshortcuts': '/',
    });
    this.input.addEventListener('input', () => {
      clearTimeout(this.typing);
      this.typing = setTimeout(() => this.#ask(), 350);
    });
    this.filterError = el('p', { id: 'filter-error', class: 'error', role: 'alert', hidden: true });
    this.pause = button('Pause', () => this.#setPaused(!this.#paused), { class: 'pause', 'aria-pressed': 'false' });
    this.har = el('a', { class: 'button', href: '/api/v1/exchanges.har', download: 'tollgate.har', title: 'What the filter lets through, as an HTTP archive' }, 'Export HAR');
    // On a phone it is in the menu: there is no room beside the filter.
    this.plays = ['beside', 'in-menu'].map((kind) => button('What if', () => go({ view: 'exchanges', id: WHAT_IF, filter: this.#filter }), {
      class: kind, title: 'Run what the filter lets through once more, through the plugins as they are now, without the backend',
    }));
    this.clear = button('Forget all exchanges', () => this.#clear());
    this.more = el('button', { type: 'button', class: 'quiet', popovertarget: 'list-menu', 'aria-label': 'More' }, '⋯');
    this.menu = el('div', { id: 'list-menu', class: 'menu', popover: 'auto', on: { click: () => this.menu.hidePopover() } }, this.plays[1], this.har, this.clear);
    const form = el('form', { role: 'search', on: { submit: (event) => { event.preventDefault(); this.#ask(); } } }, this.input);
    this.bar = el('div', { class: 'bar' }, form, filterHelp(), this.pause, this.plays[0], this.more, this.menu, this.filterError);
  }

  /** Shows what the address names. */
  show(place) {
    const before = this.#place;
    this.#place = place;
    this.har.hidden = !offers('get', '/api/v1/exchanges.har');
    this.clear.hidden = !offers('delete', '/api/v1/exchanges');
    for (const play of this.plays) play.hidden = !offers('post', '/api/v1/what-if');
    this.more.hidden = this.har.hidden && this.clear.hidden && this.plays[1].hidden;
    const isAll = place.id === WHAT_IF;
    if (place.id !== undefined && !isAll) this.#cursor = place.id;
    this.element.classList.toggle('has-detail', place.id !== undefined);
    this.detail.show(isAll ? { ...place, id: undefined } : place);
    if (isAll) this.whatIf.show(place.filter);
    else this.whatIf.hide();
    if (place.filter !== this.#filter || !this.loaded) {
      this.loaded = true;
      this.#filter = place.filter;
      if (document.activeElement !== this.input) this.input.value = place.filter;
      this.har.href = `/api/v1/exchanges.har${place.filter ? `?${new URLSearchParams({ filter: place.filter })}` : ''}`;
      this.#load();
    }
    // A list that was out of the document, or not shown, has forgotten where it stood.
    if (this.scroller.scrollTop === 0 && this.scrollTop > 0) this.scroller.scrollTop = this.scrollTop;
    if (before.id !== place.id) requestAnimationFrame(() => this.#revealCursor());
    this.#list.draw();
  }

  /** New exchanges, oldest first, that fit this filter. */
  arrive(summaries, filter) {
    // Another filter was typed meanwhile.
    if (filter !== this.#filter) return;
    if (this.#loading) this.#meanwhile.push(...summaries);
    else this.#take(summaries);
  }

  /** Asks for those that were not told. */
  catchUp({ soon = true } = {}) {
    this.#asking ||= setTimeout(() => this.#askNew(), soon ? ASK_EVERY : 0);
  }

  status(status) {
    const was = this.#status?.recording?.on;
    this.#status = status;
    if (was !== status.recording?.on) this.#showEmpty();
  }

  /** Makes up for what was missed while the connection was lost. */
  refresh() {
    if (this.loaded) this.#load();
  }

  /** Keys that work wherever the focus is, but in a field. */
  key(event) {
    if (event.key === '/') {
      event.preventDefault();
      this.input.focus();
      this.input.select();
    }
  }

  get #held() {
    return this.#paused || !this.#list.atTop;
  }

  #take(summaries) {
    // What is chosen stays in sight: before it would be pushed out, the list stands still.
    const place = this.#cursor === undefined ? -1 : this.#ring.place(this.#cursor);
    const [begin, end] = this.#list.sight;
    const pushed = place >= begin && place < end && place + summaries.length >= end;
    const held = this.#held || pushed || this.#ring.waiting.length > 0;
    if (this.#ring.arrive(summaries, held) > 0) this.#drawn();
  }

  #drawn() {
    const waiting = this.#ring.waiting.length;
    this.pill.hidden = waiting === 0;
    if (waiting > 0) say(this.pill, `${this.#paused ? '' : '↑ '}${count(waiting)} new`);
    this.#showEmpty();
    this.#list.draw();
  }

  #toTop() {
    if (this.#paused) this.#setPaused(false);
    this.#ring.release();
    this.scroller.scrollTop = 0;
    this.#drawn();
    this.scroller.focus({ preventScroll: true });
  }

  #scrolled() {
    if (this.scroller.clientHeight > 0) this.scrollTop = this.scroller.scrollTop;
    if (this.#list.atTop && !this.#paused && this.#ring.waiting.length > 0 && this.#cursor === undefined) {
      this.#ring.release();
      this.#drawn();
    }
    const { scrollTop, clientHeight, scrollHeight } = this.scroller;
    if (this.#more && scrollHeight - scrollTop - clientHeight < clientHeight) this.#loadOlder();
  }

  #setPaused(paused) {
    this.#paused = paused;
    this.pause.setAttribute('aria-pressed', paused);
    say(this.pause, paused ? 'Resume' : 'Pause');
    if (paused) return;
    if (this.#list.atTop) this.#ring.release();
    this.#drawn();
  }

  #query(more = {}) {
    const query = new URLSearchParams({ limit: PAGE, ...more });
    if (this.#filter) query.set('filter', this.#filter);
    return `/api/v1/exchanges?${query}`;
  }

  async #load() {
    this.#loading?.abort();
    const loading = new AbortController();
    this.#loading = loading;
    this.#meanwhile = [];
    try {
      const { exchanges, more } = await get(this.#query(), loading.signal);
      if (this.#loading !== loading) return;
      this.#ring.clear();
      this.#ring.older(exchanges);
      this.#more = more;
      this.#problem(null);
      this.onfilter(this.#filter);
      if (this.#filter) announce(`${several(exchanges.length, 'exchange')}${more ? ' and more' : ''} fit the filter`);
    } catch (error) {
      if (error.name === 'AbortError') return;
      this.#problem(error);
    }
    this.#loading = null;
    this.#take(this.#meanwhile.splice(0));
    this.#drawn();
  }

  async #loadOlder() {
    if (this.#loading || this.fetching) return;
    this.fetching = true;
    const filter = this.#filter;
    try {
      const oldest = this.#ring.at(this.#ring.length - 1);
      const { exchanges, more } = await get(this.#query({ before: oldest.id }));
      if (filter !== this.#filter) return;
      this.#more = this.#ring.older(exchanges) > 0 && more;
      this.#list.draw();
    } catch {
      this.#more = false;
    } finally {
      this.fetching = false;
    }
  }

  async #askNew() {
    this.#asking = 0;
    // What is loaded has them.
    if (this.#loading) return;
    const filter = this.#filter;
    try {
      const { exchanges, more } = await get(this.#query());
      if (filter !== this.#filter || this.#loading) return;
      const overlaps = !more || exchanges.some(({ id }) => this.#ring.has(id));
      if (!overlaps) this.#ring.clear();
      this.#more ||= more && !overlaps;
      this.#take(exchanges.reverse());
    } catch {
      // The next ones that are not told ask again.
    }
  }

  #ask() {
    clearTimeout(this.typing);
    const filter = this.input.value.trim();
    if (filter !== this.#filter) replace({ ...this.#place, filter });
  }

  #problem(error) {
    this.filterError.hidden = error === null;
    this.input.setAttribute('aria-invalid', error !== null && error.status === 400);
    this.filterError.textContent = error?.message ?? '';
  }

  async #clear() {
    try {
      await send('DELETE', '/api/v1/exchanges');
    } catch (error) {
      return this.#problem(error);
    }
    this.#ring.clear();
    this.#cursor = undefined;
    go({ view: 'exchanges', filter: this.#filter });
    announce('All recorded exchanges are forgotten');
    return this.#drawn();
  }

  #showEmpty() {
    const nothing = this.#ring.length === 0 && !this.#loading;
    this.empty.hidden = !nothing;
    this.scroller.hidden = nothing;
    this.columns.hidden = nothing;
    if (!nothing) return;
    const recording = this.#status?.recording;
    const { address, tls } = this.#status?.listen?.[0] ?? {};
    if (recording && !recording.on) {
      fill(this.empty, [el('h2', {}, 'Recording is off'), el('p', {}, 'tollgate passes exchanges on and keeps none. To see them here, add this to its configuration and start it again:'), el('pre', {}, '[record]\nenabled = true')]);
    } else if (this.#ring.waiting.length > 0) {
      fill(this.empty, [el('h2', {}, 'Paused'), el('p', {}, 'New exchanges wait. Resume to see them.')]);
    } else if (this.#filter) {
      fill(this.empty, [el('h2', {}, 'Nothing fits the filter'), el('p', {}, 'No recorded exchange does. New ones appear here if they fit.')]);
    } else {
      fill(this.empty, [
        el('h2', {}, 'No exchange yet'),
        el('p', {}, 'Send a request through tollgate, and it appears here with what each plugin did to it.'),
        address ? el('pre', {}, `curl -i${tls ? 'k' : ''} http${tls ? 's' : ''}://${address}/hello`) : null,
      ]);
    }
  }

  #click(event) {
    const id = event.target.closest('.row')?.dataset.id;
    if (id) go({ ...this.#place, ...this.detail.like(), id });
  }

  #key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const last = this.#ring.length - 1;
    const at = this.#cursor === undefined ? -1 : this.#ring.place(this.#cursor);
    const moves = {
      ArrowDown: at + 1, ArrowUp: at < 0 ? 0 : at - 1, Home: 0, End: last, PageDown: at + this.#list.page, PageUp: at - this.#list.page,
    };
    if (event.key in moves) {
      event.preventDefault();
      this.#move(Math.min(last, Math.max(0, moves[event.key])));
    } else if (event.key === 'Enter' && this.#cursor !== undefined) {
      event.preventDefault();
      if (this.#place.id === this.#cursor) this.detail.focus();
      else go({ ...this.#place, ...this.detail.like(), id: this.#cursor });
    } else if (event.key === 'Escape' && this.#place.id !== undefined) {
      this.#close();
    } else if ((event.key === 'ArrowLeft' || event.key === 'ArrowRight') && this.#place.id !== undefined) {
      event.preventDefault();
      this.detail.stepBy(event.key === 'ArrowLeft' ? -1 : 1);
    }
  }

  #move(place) {
    const item = this.#ring.at(place);
    if (!item) return;
    this.#cursor = item.id;
    this.#list.reveal(place);
    if (this.#place.id !== undefined && wide.matches) replace({ ...this.#place, ...this.detail.like(), id: item.id });
  }

  #revealCursor() {
    const place = this.#cursor === undefined ? -1 : this.#ring.place(this.#cursor);
    const [begin, end] = this.#list.sight;
    if (place >= 0 && (place < begin || place >= end)) this.#list.reveal(place);
  }

  #close() {
    go({ view: 'exchanges', filter: this.#filter });
    this.scroller.focus({ preventScroll: true });
  }
}
