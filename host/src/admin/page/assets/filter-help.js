// What can be written into a filter: mitmproxy's expressions and two of tollgate's own.

import { el } from './dom.js';

const LINES = [
  ['~u /users', 'the URL matches; the same as only /users'],
  ['~m POST', 'the method'],
  ['~d example.com', 'the host'],
  ['~c 500', 'the status'],
  ['~p redact', 'this plugin took part'],
  ['~changed', 'a plugin changed something'],
  ['~e', 'it ended with an error'],
  ['~b secret', 'a body matches; ~bq the request’s, ~bs the response’s'],
  ['~h x-trace', 'a header field matches; ~hq, ~hs as above'],
  ['~t json', 'the content type; ~tq, ~ts as above'],
  ['~websocket', 'a WebSocket; ~http anything else'],
  ['!  &  |  ( )', 'not, and, or, groups'],
];

export function filterHelp() {
  const help = el('div', { id: 'filter-help', class: 'help', popover: 'auto', role: 'region', 'aria-label': 'Filter expressions' },
    el('p', {}, 'Filters are those of mitmproxy. A word is a regular expression.'),
    el('dl', {}, LINES.map(([sign, words]) => [el('dt', {}, sign), el('dd', {}, words)])),
    el('p', {}, 'Keys: ', el('kbd', {}, '/'), ' filter, ', el('kbd', {}, '↑ ↓'), ' exchange, ', el('kbd', {}, '← →'), ' step, ',
      el('kbd', {}, 'Enter'), ' open, ', el('kbd', {}, 'Esc'), ' close.'));
  return [el('button', { type: 'button', class: 'quiet', popovertarget: 'filter-help', 'aria-label': 'Filter expressions' }, '?'), help];
}
