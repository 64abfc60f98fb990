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

/** The names of the columns, which a screen reader does not need: each row is a sentence. */
export function columns() {
  const names = ['Time', 'Method', 'Host', 'Target', 'Status', 'Plugins', 'Size', 'Took'];
  return el('div', { class: 'columns row', 'aria-hidden': 'true' },
    names.map((name) => el('span', { class: `c-${name.toLowerCase()}` }, name)));
}

export function makeRow() {
  const cell = (name) => el('span', { class: `c-${name}` });
  const target = el('span', { class: 'c-target' }, el('bdi'), el('span', { class: 'kind' }));
  return el('div', { class: 'row', role: 'option' },
    cell('time'), cell('method'), cell('host'), target, cell('status'), cell('plugins'), cell('size'), cell('took'));
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
  row.setAttribute('aria-label', sentence(summary));
}

/** Only what is worth a look has a colour. */
export function statusClass({ status, ending }) {
  if (ending === 'cut-off') return 'is-warning';
  if (ending === 'failed' || first(status) === 5) return 'is-bad';
  return first(status) === 4 ? 'is-warning' : '';
}

// The upper half of a mark stands for the request, the lower half for the response.
function marks(cell, plugins) {
  while (cell.children.length > plugins.length) cell.lastChild.remove();
  while (cell.children.length < plugins.length) cell.append(el('i'));
  plugins.forEach(({ name, changed }, at) => {
    cell.children[at].className = `mark mark-${changed}`;
    cell.children[at].title = `${name} ${CHANGED[changed] ?? changed}`;
  });
}

function sentence(summary) {
  const said = [`${summary.method} ${summary.target}`];
  if (summary.ending === 'cut-off') said.push('cut off');
  if (summary.status) said.push(`status ${summary.status}`);
  for (const { name, changed } of summary.plugins) if (changed !== 'no') said.push(`${name} ${CHANGED[changed] ?? changed}`);
  said.push(took(summary.duration_us));
  return said.join(', ');
}
