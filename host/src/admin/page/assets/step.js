// What one step did, in tabs: body, header fields, pieces, log, outbound.

import { get, path } from './api.js';
import { el, fill, unseen } from './dom.js';
import { showContent } from './content.js';
import { bodyDiff, changedRows, diff } from './diff.js';
import { body, several, since, took } from './format.js';
import { showPieces } from './pieces.js';

const NAMES = { body: 'Body', fields: 'Header fields', pieces: 'Pieces', log: 'Log', outbound: 'Outbound' };

export class StepView {
  #choose;
  #loading = null;

  /** `choose(tab)` is called when the user chooses another tab. */
  constructor(choose) {
    this.#choose = choose;
    this.tabs = el('div', { class: 'tabs', role: 'tablist', 'aria-label': 'What the step did', on: { keydown: (event) => this.#key(event) } });
    this.panel = el('div', { class: 'panel', role: 'tabpanel', id: 'panel', tabIndex: 0 });
    this.element = el('section', { class: 'chosen', 'aria-label': 'Chosen step' }, this.tabs, this.panel);
  }

  async show(exchange, chosen, tab) {
    this.#loading?.abort();
    const step = exchange.steps.find(({ index }) => String(index) === chosen);
    if (!step) {
      const message = chosen === 'in' ? exchange.request : exchange.response;
      return this.#draw({ message, name: chosen === 'in' ? 'Request' : 'Response', log: [], outbound: [] }, tab);
    }
    const loading = new AbortController();
    this.#loading = loading;
    try {
      const detail = await get(path`/api/v1/exchanges/${exchange.id}/steps/${step.index}`, loading.signal);
      if (this.#loading !== loading) return;
      this.#draw({ detail, step, exchange, log: step.log ?? [], outbound: step.outbound ?? [] }, tab);
    } catch (error) {
      if (error.name === 'AbortError') return;
      fill(this.panel, [el('p', { class: 'error' }, error.message)]);
    }
  }

  #draw(shown, wanted) {
    const { detail, message, log, outbound } = shown;
    const pieces = detail?.pieces ?? [];
    const fields = message ? message.fields.length : changedRows(detail.request?.head) + changedRows(detail.response?.head);
    const counts = { body: null, fields, pieces: pieces.length, log: log.length, outbound: outbound.length };
    const there = Object.keys(NAMES).filter((name) => name === 'body' || name === 'fields' || counts[name] > 0 || name === wanted);
    const tab = there.includes(wanted) ? wanted : likely(shown, pieces, fields);
    fill(this.tabs, there.map((name) => el('button', {
      type: 'button', role: 'tab', id: `tab-${name}`, 'aria-selected': name === tab, 'aria-controls': 'panel', tabIndex: name === tab ? 0 : -1,
      data: { tab: name }, on: { click: () => this.#choose(name) },
    }, NAMES[name], counts[name] ? el('span', { class: 'number' }, unseen(', '), String(counts[name])) : null)));
    this.panel.setAttribute('aria-labelledby', `tab-${tab}`);
    const draw = { body: showBody, fields: showFields, pieces: () => showPieces(pieces, shown.step, shown.exchange), log: showLog, outbound: showOutbound };
    fill(this.panel, [draw[tab](shown)]);
    if (this.refocus) this.tabs.querySelector('[aria-selected=true]')?.focus();
    this.refocus = false;
  }

  #key(event) {
    const all = [...this.tabs.children];
    const at = all.indexOf(document.activeElement);
    const next = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: all.length - 1 }[event.key];
    if (next === undefined || !all[next]) return;
    event.preventDefault();
    event.stopPropagation();
    this.refocus = true;
    this.#choose(all[next].dataset.tab);
  }
}

/** The tab that shows what the step changed. */
function likely({ detail, log, outbound }, pieces, fields) {
  if (!detail) return 'body';
  const changed = (side) => side?.body && side.body.kind !== 'none' && !side.body.unchanged;
  if (changed(detail.request) || changed(detail.response)) return 'body';
  if (fields > 0) return 'fields';
  if (pieces.length > 0) return 'pieces';
  if (outbound.length > 0) return 'outbound';
  return log.length > 0 ? 'log' : 'body';
}

/** The sides of a step that are worth a look: those that it changed, else the one that its hook is for. */
function sides({ detail, step }, part) {
  const there = ['request', 'response'].filter((side) => detail[side]);
  const changed = there.filter((side) => (part === 'head' ? changedRows(detail[side].head) > 0 : detail[side].body && detail[side].body.kind !== 'none' && !detail[side].body.unchanged));
  if (changed.length > 0) return changed;
  const back = /response/.test(step.performer.hook ?? '') || step.performer.kind === 'backend';
  const wanted = back ? 'response' : 'request';
  return there.includes(wanted) ? [wanted] : there.slice(0, 1);
}

const heading = (name, ...more) => el('h3', {}, name, el('span', {}, more.filter(Boolean).join(' · ')));
const capital = (word) => word[0].toUpperCase() + word.slice(1);

function showBody(shown) {
  const { detail, message, name, step } = shown;
  if (message) {
    return [heading(`${name} body`, body(message.body)), showContent(message.body)];
  }
  const shownSides = sides(shown, 'body');
  if (shownSides.length === 0) return el('p', { class: 'none' }, 'There was no body.');
  return shownSides.map((side) => {
    const { body: bodies } = detail[side];
    const through = step.performer.kind === 'plugin' ? `through ${step.performer.name}` : '';
    const title = `${capital(side)} body ${through}`.trim();
    if (!bodies || bodies.kind === 'none') return [heading(title), el('p', { class: 'none' }, 'There is no body.')];
    // What was not there before is new as a whole: no signs are needed to say so.
    if (!bodies.unchanged && !bodies.left && bodies.right) return [heading(title, body(bodies.right)), showContent(bodies.right)];
    if (bodies.unchanged) return [heading(title, body(bodies.right ?? bodies.left), 'not changed here'), showContent(bodies.right ?? bodies.left)];
    return [heading(title, body(bodies.left) || 'no body', `then ${body(bodies.right) || 'no body'}`), bodyDiff(bodies)];
  });
}

function showFields(shown) {
  const { detail, message, name } = shown;
  if (message) {
    const rows = [...message.fields, ...(message.trailers ?? [])];
    return [heading(name, line(message.line)), fieldTable(rows, message.fields.length)];
  }
  return sides(shown, 'head').map((side) => {
    const { head } = detail[side];
    if (head.rows.every(({ op }) => op === 'insert')) return [heading(`${capital(side)} head`, 'new'), newLines(head.rows)];
    const changes = changedRows(head);
    return [heading(`${capital(side)} head`, changes === 0 ? 'not changed here' : `${several(changes, 'line')} changed`), diff(head)];
  });
}

const newLines = (rows) => el('pre', { class: 'content', tabIndex: 0, role: 'region', 'aria-label': 'Head' }, rows.map(({ right }) => right).join('\n'));

const line = ({ method, target, authority, status }) => (status ? String(status) : [method, target, authority && `(${authority})`].filter(Boolean).join(' '));

function fieldTable(rows, fields) {
  if (rows.length === 0) return el('p', { class: 'none' }, 'There are no header fields.');
  return el('table', { class: 'fields' },
    el('thead', { class: 'unseen' }, el('tr', {}, el('th', {}, 'Field'), el('th', {}, 'Value'))),
    el('tbody', {}, rows.map(([field, value], at) => el('tr', { class: at >= fields ? 'trailer' : '' }, el('th', { scope: 'row' }, field), el('td', {}, value)))));
}

function showLog({ log, exchange }) {
  if (log.length === 0) return el('p', { class: 'none' }, 'It logged nothing.');
  return el('table', { class: 'lines' }, el('thead', { class: 'unseen' }, el('tr', {}, ['Time', 'Level', 'Text'].map((name) => el('th', {}, name)))),
    el('tbody', {}, log.map(({ at_us: at, level, text }) => el('tr', {},
      el('td', { class: 'at' }, since(at, exchange)), el('td', { class: `level level-${level}` }, level), el('td', { class: 'text' }, text)))),
  );
}

function showOutbound({ outbound, exchange }) {
  if (outbound.length === 0) return el('p', { class: 'none' }, 'It called no other server.');
  return el('table', { class: 'lines' }, el('thead', {}, el('tr', {}, ['At', 'Call', 'Result', 'Size', 'Took'].map((name) => el('th', {}, name)))),
    el('tbody', {}, outbound.map((call) => el('tr', {},
      el('td', { class: 'at' }, since(call.began_us, exchange)), el('td', { class: 'text' }, `${call.method} ${call.url}`),
      result(call), el('td', { class: 'at' }, body({ length: call.length ?? call.response_bytes ?? 0 })), el('td', { class: 'at' }, took(call.duration_us))))));
}

function result({ status, error, result: either }) {
  const text = status ?? error ?? (typeof either === 'object' && either !== null ? either.Ok ?? either.Err : either) ?? '';
  return el('td', { class: typeof text === 'number' ? '' : 'is-bad' }, String(text));
}
