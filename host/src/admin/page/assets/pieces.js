// What went through a step piece by piece: parts of a body that streams, or messages of a WebSocket.

import { el, unseen } from './dom.js';
import { bytes, since } from './format.js';
import { decode, hexLines } from './content.js';

const SHOWN = 500;
const FATES = { keep: 'kept', replace: 'replaced', stop: 'stopped', end: 'added at the end' };
const SENDERS = { client: 'client →', backend: '← backend', plugin: 'plugin' };

export function showPieces(pieces, step, exchange) {
  const all = step?.pieces ?? pieces.length;
  const messages = pieces.some(({ sender }) => sender);
  return [
    el('h3', {}, messages ? 'Messages' : 'Pieces', el('span', {}, all > pieces.length ? `the first ${pieces.length} of ${all}` : '')),
    el('ol', { class: messages ? 'pieces messages' : 'pieces' }, pieces.slice(0, SHOWN).map((piece) => row(piece, exchange))),
    pieces.length > SHOWN ? el('p', { class: 'none note' }, `The first ${SHOWN} are shown.`) : null,
  ];
}

function row({ at_us: at, sender, fate, came, went }, exchange) {
  const kept = fate === 'keep';
  const gone = kept ? [] : [went].flat().filter(Boolean);
  const hasCome = fate !== 'end' && !(sender === 'plugin' && gone.length > 0);
  return el('li', { class: `piece fate-${fate}` },
    el('span', { class: 'at' }, since(at, exchange)),
    el('span', { class: 'sender' }, sender ? SENDERS[sender] ?? sender : ''),
    el('span', { class: 'fate' }, FATES[fate] ?? fate),
    el('div', { class: 'texts' },
      hasCome ? text(came, kept ? 'span' : 'del') : null,
      gone.map((fragment) => text(fragment, 'ins'))));
}

function text(fragment, tag) {
  if (!fragment) return null;
  const plain = typeof fragment === 'string' ? fragment : fragment.text;
  const shown = plain === undefined || plain === null ? hexLines(decode(fragment.base64 ?? '')).join('\n') : plain;
  const kept = fragment.kept ?? shown.length;
  const cut = fragment.length !== undefined && typeof kept === 'number' && kept < fragment.length ? ` … ${bytes(fragment.length)}` : '';
  const sign = { del: 'removed: ', ins: 'added: ' }[tag];
  // Line ends behind the text stand in its line: each piece of a stream of events has two.
  const [, body, ends] = /^([^]*?)((?:\r?\n)*)$/.exec(shown);
  const returns = ends === '' ? null : el('span', { class: 'returns', 'aria-hidden': 'true' }, '↵'.repeat(ends.split('\n').length - 1));
  return el(tag, {}, sign ? unseen(sign) : null, shown === '' ? el('span', { class: 'none' }, 'nothing') : [body, returns, cut]);
}
