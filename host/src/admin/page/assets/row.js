// One row of the list of exchanges.

import { el, say } from './dom.js';
import { bytes, clock, first, took } from './format.js';

const CHANGED = {
  no: 'changed nothing',
  request: 'changed the request',
  response: 'changed the response',
  both: 'changed request and response',
  failed: 'failed',
};

/** The names of the columns, which a screen reader does not need: each row speaks for itself. */
export function columns() {
  const names = ['Time', 'Method', 'Host', 'Target', 'Status', 'Plugins', 'Size', 'Took'];
  return el('div', { class: 'columns row', 'aria-hidden': 'true' },
    names.map((name) => el('span', { class: `c-${name.toLowerCase()}` }, name)));
}

export function makeRow() {
  const cell = (name) => el('span', { class: `c-${name}` });
  const target = el('span', { class: 'c-target' }, el('bdi'), el('span', { class: 'kind' }));
  const plugins = el('span', { class: 'c-plugins' }, el('span', { class: 'unseen' }));
  return el('div', { class: 'row', role: 'option' },
    cell('time'), cell('method'), cell('host'), target, cell('status'), plugins, cell('size'), cell('took'));
}

export function showRow(row, summary, chosen) {
  const [time, method, host, target, status, plugins, size, duration] = row.children;
  row.setAttribute('aria-selected', chosen);
  row.dataset.id = summary.id;
  say(time, clock(summary.began_us));
  say(method, summary.method);
  say(host, summary.authority ?? '');
  say(target.firstChild, summary.target);
  say(target.lastChild, summary.kind === 'http' ? '' : summary.kind);
  say(status, summary.ending === 'cut-off' ? 'cut off' : String(summary.status ?? '—'));
  status.className = `c-status ${statusClass(summary)}`;
  marks(plugins, summary.plugins);
  say(size, bytes(summary.response_bytes));
  say(duration, took(summary.duration_us));
  row.title = summary.error ?? '';
}

/** Only what is worth a look has a colour. */
export function statusClass({ status, ending }) {
  if (ending === 'cut-off') return 'is-warning';
  if (ending === 'failed' || first(status) === 5) return 'is-bad';
  return first(status) === 4 ? 'is-warning' : '';
}

// The upper half of a mark stands for the request, the lower half for the response. A screen reader gets words.
function marks(cell, plugins) {
  const words = cell.lastChild;
  while (cell.children.length - 1 > plugins.length) words.previousSibling.remove();
  while (cell.children.length - 1 < plugins.length) words.before(el('i'));
  plugins.forEach(({ name, changed }, at) => {
    cell.children[at].className = `mark mark-${changed}`;
    cell.children[at].title = `${name} ${CHANGED[changed] ?? changed}`;
  });
  say(words, plugins.filter(({ changed }) => changed !== 'no').map(({ name, changed }) => `${name} ${CHANGED[changed] ?? changed}`).join(', '));
}
