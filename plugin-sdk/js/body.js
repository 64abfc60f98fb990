// Bodies that a plugin rewrites as they flow.

import * as sinkInterface from 'tollgate:proxy/body-sink@0.1.0';
import { failing } from './failing.js';
import { guarded } from './host.js';
import { made } from './made.js';
import { kind, toBytes } from './message.js';
import { refuseUnknown } from './unknown.js';

const sink = guarded(sinkInterface, 'emit');

/** A piece goes on as it is, after what was emitted. It is not copied back to the host. */
export const KEEP = Symbol('KEEP');
/** What was emitted goes on in the piece's place, which may be nothing. */
export const REPLACE = Symbol('REPLACE');
/** What was emitted goes on, then the body ends properly. Its source is told to stop. */
export const STOP = Symbol('STOP');

/** @type {Map<unknown, 'keep' | 'replace' | 'stop'>} */
const FATES = new Map([
  [KEEP, 'keep'],
  [REPLACE, 'replace'],
  [STOP, 'stop'],
]);
const UNITS = ['bytes', 'text', 'lines', 'events', 'messages'];

/** @typedef {'bytes' | 'text' | 'lines' | 'events' | 'messages'} Unit */
/** @typedef {Uint8Array | string | typeof KEEP | typeof REPLACE | typeof STOP} Fate */
/**
 * That a plugin wants a body, how it is cut, and what rewrites it.
 *
 * @typedef {object} Wish
 * @property {Unit} [unit] `bytes` unless given: as it arrives; `text`: never inside a UTF-8 character; `lines`: with their line ends;
 *   `events`: of an event stream, see `events`; `messages`: of gRPC
 * @property {boolean} [decoded] whether `content-encoding` is undone before the plugin and done again behind it
 * @property {(piece: Uint8Array) => Fate} piece Called for each piece. Returns what goes on in its place, or KEEP, REPLACE or STOP. What
 *   was emitted goes on first.
 * @property {() => void} [end] Called when the body is complete, and not after STOP: may emit what is left.
 */
/**
 * What a plugin exports of a body that it rewrites.
 *
 * @typedef {object} Rewriter
 * @property {() => { unit: Unit, decoded: boolean } | undefined} begin
 * @property {(data: Uint8Array) => 'keep' | 'replace' | 'stop'} piece
 * @property {() => void} end
 */

/**
 * Makes what a plugin exports of bodies that it rewrites: `export const responseBody = rewriter(() => …)`, or `requestBody`.
 *
 * `begin` is called when the head is final, before the first piece. What it returns belongs to one body, so its variables hold the state;
 * if it returns nothing, the body is left alone. If `piece` or `end` throws, the message ends visibly broken, never as if it were complete.
 *
 * @param {() => Wish | null | undefined | void} begin
 * @returns {Rewriter}
 */
export function rewriter(begin) {
  if (typeof begin !== 'function') throw new Error(`rewriter(…) takes a function, got ${kind(begin)}`);
  /** @type {Wish | null} */
  let body = null;
  /** @returns {Wish} */
  const begun = () => {
    if (!body) throw new Error('the host gave a piece of a body that had not begun');
    return body;
  };
  /** @type {Rewriter} */
  const exported = {
    begin: () =>
      failing(() => {
        body = null;
        const wish = begin() ?? null;
        if (wish === null) return undefined;
        const { unit, decoded } = checkedWish(wish);
        body = wish;
        return { unit, decoded };
      }),
    piece: (data) =>
      failing(() => {
        const fate = toFate(begun().piece(data));
        if (fate === 'stop') body = null;
        return fate;
      }),
    end: () =>
      failing(() => {
        const ending = begun();
        body = null;
        const returned = /** @type {unknown} */ (ending.end?.());
        if (returned !== undefined) throw new Error(`end returned ${shown(returned)}: emit(…) what is left`);
      }),
  };
  made.add(exported);
  return exported;
}

/**
 * Sends bytes or text of the body on, in `piece` and `end`. Waits while the receiver is not ready.
 *
 * @param {string | Uint8Array} data
 */
export function emit(data) {
  sink.emit(toBytes(data, 'emit'));
}

/** @param {Wish} wish */
function checkedWish(wish) {
  if (typeof wish !== 'object') {
    throw new Error(`a rewriter's function returned ${shown(wish)}: expected { unit, decoded, piece, end } or nothing`);
  }
  if (typeof (/** @type {any} */ (wish).then) === 'function') throw new Error('a rewriter returned a promise: it is not async');
  refuseUnknown('a rewriter', wish, ['unit', 'decoded', 'piece', 'end']);
  const { unit = 'bytes', decoded = false, piece, end } = wish;
  if (!UNITS.includes(unit)) throw new Error(`a rewriter: unit ${shown(unit)} is unknown: there are ${UNITS.join(', ')}`);
  if (typeof piece !== 'function') throw new Error(`a rewriter: piece is no function but ${kind(piece)}`);
  if (end !== undefined && typeof end !== 'function') throw new Error(`a rewriter: end is no function but ${kind(end)}`);
  return { unit, decoded: Boolean(decoded) };
}

/**
 * @param {unknown} returned
 * @returns {'keep' | 'replace' | 'stop'}
 */
function toFate(returned) {
  const fate = FATES.get(returned);
  if (fate) return fate;
  if (typeof returned !== 'string' && !(returned instanceof Uint8Array)) {
    throw new Error(`piece returned ${shown(returned)}: expected bytes, text, KEEP, REPLACE or STOP`);
  }
  emit(returned);
  return 'replace';
}

/** @param {unknown} value */
function shown(value) {
  return typeof value === 'string' ? JSON.stringify(value) : typeof value === 'symbol' ? String(value) : kind(value);
}
