// The way of an exchange: in, each plugin, backend, each plugin, out. One row for each step, with its time on a common axis.

import { el } from './dom.js';
import { body, several, took } from './format.js';
import { format } from './router.js';

const HOOKS = {
  'forward-request': 'request',
  'return-response': 'response',
  'request-body': 'request body',
  'response-body': 'response body',
  'websocket-messages': 'messages',
  handle: 'around',
};

/** Lines of what a step changed; all of it is in the step itself. */
const LINES = 2;

export const failed = ({ outcome }) => outcome.kind === 'failed' || outcome.kind === 'undone';

/** What a step changed: `no`, `request`, `response` or `both`. */
export function changedOf({ changed }) {
  if (changed.request && changed.response) return 'both';
  return changed.request ? 'request' : changed.response ? 'response' : 'no';
}

export const stepName = ({ performer }) =>
  performer.kind === 'host' ? 'tollgate' : performer.kind === 'backend' ? performer.name || 'backend' : performer.name;

/** The rows. `place(step)` is the address of a step. */
export function timeline(exchange, chosen, place) {
  const { request, response, steps, duration_us: total } = exchange;
  return [
    row({ step: 'in', kind: 'end', who: 'Request', small: 'as it came', what: words(request), time: '' }),
    steps.map((step) => row(stepRow(step, exchange))),
    response ? row({ step: 'out', kind: 'end', who: 'Response', small: 'as it went', what: words(response), time: took(total) }) : null,
  ];

  function row({ step, kind, who, small, what, time, bar, depth = 0, title }) {
    const current = step === chosen;
    const link = el('a', { href: format(place(step)), 'aria-current': current ? 'step' : null, data: { step }, title },
      el('span', { class: 'mark-of' }),
      el('span', { class: 'who' }, el('b', {}, who), el('small', {}, small)),
      el('span', { class: 'what' }, what),
      el('span', { class: 'when' }, el('span', {}, time), bar));
    return el('li', { class: `step ${kind}`, data: { depth: Math.min(depth, 4) } }, link);
  }
}

function stepRow(step, exchange) {
  const { performer, outcome, depth } = step;
  const kind = [performer.kind];
  if (changedOf(step) !== 'no') kind.push('changed');
  if (failed(step)) kind.push('failed');
  return {
    step: String(step.index),
    kind: kind.join(' '),
    who: stepName(step),
    small: small(performer),
    what: [said(outcome), preview(step)],
    time: took(step.duration_us),
    bar: axis(step, exchange),
    depth,
    title: step.computing_us === null || step.computing_us === undefined ? null : `computed for ${took(step.computing_us)}`,
  };
}

function small(performer) {
  if (performer.kind === 'plugin') return `${HOOKS[performer.hook] ?? performer.hook} · ${performer.version.slice(0, 6)}`;
  if (performer.kind === 'backend') return performer.address?.replace(/^http:\/\//, '') ?? 'backend';
  return 'what a proxy changes';
}

function said(outcome) {
  const texts = {
    responded: ['answered in the backend’s place', ''],
    failed: [`failed: ${outcome.text}`, 'is-bad'],
    undone: [`failed, its changes were undone: ${outcome.text}`, 'is-warning'],
    abandoned: ['the exchange ended while it ran', 'is-warning'],
  };
  const [text, tone] = texts[outcome.kind] ?? [];
  return text ? el('span', { class: `said ${tone}` }, text) : null;
}

function preview(step) {
  const lines = step.preview ?? [];
  // What a proxy has to change is of less interest: names are enough.
  if (step.performer.kind === 'host' && lines.length > 0) {
    return el('span', { class: 'names' }, lines.map(({ op, text }) => `${op === '+' ? '+' : '−'} ${text.split(':')[0]}`).join('  '));
  }
  if (lines.length > 0) {
    return [
      lines.slice(0, LINES).map(({ op, text }) => el(op === '+' ? 'ins' : 'del', {}, text)),
      lines.length > LINES ? el('span', { class: 'names' }, 'and more') : null,
    ];
  }
  if (step.outcome.kind !== 'done') return null;
  if (step.performer.kind === 'backend') return el('span', { class: 'none' }, step.changed.response ? 'answered' : 'no answer');
  if (step.pieces) return el('span', { class: 'none' }, several(step.pieces, 'piece'));
  if (changedOf(step) !== 'no') return el('span', {}, `changed the ${changedOf(step) === 'both' ? 'request and the response' : changedOf(step)}`);
  return el('span', { class: 'none' }, 'no change');
}

function words(message) {
  const parts = [several(message.fields.length, 'header field'), body(message.body) || 'no body'];
  if (message.line.status) parts.unshift(String(message.line.status));
  return el('span', { class: 'none' }, parts.join(', '));
}

/** Where on the exchange's time the step lies. Steps count from its beginning. */
function axis(step, exchange) {
  const total = Math.max(1, exchange.duration_us);
  const began = step.began_us > 1e14 ? step.began_us - exchange.began_us : step.began_us;
  const left = Math.min(1, Math.max(0, began / total));
  const fill = el('i', { class: left > 0.95 ? 'late' : '' });
  if (left <= 0.95) fill.style.left = `${100 * left}%`;
  fill.style.width = `${100 * Math.min(1 - left, step.duration_us / total)}%`;
  return el('span', { class: 'axis', 'aria-hidden': 'true' }, fill);
}
