// Events of an event stream (server-sent events; WHATWG HTML, section 9.2), read and written. With the unit `events` each piece of a
// body is one event: its lines, and the blank line at its end. The functions here read such a piece as a browser would.

import { toBytes } from './message.js';
import { decodeUtf8Lossy, fromBinary, toBinary } from './utf8.js';

/**
 * The fields of an event, name and value: `data`, `event`, `id`, `retry` and others. Comments are left out.
 *
 * @param {Uint8Array} event
 * @returns {[name: string, value: string][]}
 */
export function fields(event) {
  return binaryFields(event).map(([name, value]) => [text(name), text(value)]);
}

/**
 * The values of the fields `data` as text, with line feeds between them. Null if there is none; readers then ignore the event.
 *
 * @param {Uint8Array} event
 * @returns {string | null}
 */
export function data(event) {
  const bytes = dataBytes(event);
  return bytes && decodeUtf8Lossy(bytes);
}

/**
 * The same as bytes.
 *
 * @param {Uint8Array} event
 * @returns {Uint8Array | null}
 */
export function dataBytes(event) {
  const values = binaryFields(event).filter(([name]) => name === 'data');
  return values.length ? fromBinary(values.map(([, value]) => value).join('\n')) : null;
}

/**
 * The value of the last field `event`. Null if there is none, or an empty one; readers then call it `message`.
 *
 * @param {Uint8Array} event
 * @returns {string | null}
 */
export function name(event) {
  const names = binaryFields(event).filter(([name]) => name === 'event');
  return text(names.at(-1)?.[1] ?? '') || null;
}

/**
 * The event with other data; its other lines stay as they are. Each line of the data becomes a field `data`, at the place of the
 * first one, or behind the other fields.
 *
 * @param {Uint8Array} event
 * @param {string | Uint8Array} data
 * @returns {Uint8Array}
 */
export function withData(event, data) {
  /** @type {string | null} */
  let content = toBinary(toBytes(data, 'data'));
  let out = '';
  let lineEnd = '\n';
  for (const [line, end] of lines(toBinary(event))) {
    lineEnd = end || lineEnd;
    const isData = field(line)?.[0] === 'data';
    if ((isData || line === '') && content !== null) {
      out += written('data', content, lineEnd);
      content = null;
    }
    if (!isData) out += line + end;
  }
  if (content !== null) {
    // The event was cut off, perhaps within a line.
    if (out !== '' && !/[\r\n]$/.test(out)) out += lineEnd;
    out += written('data', content, lineEnd);
  }
  return fromBinary(out);
}

/**
 * An event to be sent, with the blank line at its end. Throws an Error if the name or the id has a line break, or the id a NUL: a reader
 * would not get them as they are.
 *
 * @param {string | Uint8Array} [data]
 * @param {{ name?: string, id?: string, retryMs?: number }} [options]
 * @returns {Uint8Array}
 */
export function event(data = '', { name, id, retryMs } = {}) {
  let out = '';
  for (const [field, value] of /** @type {const} */ ([['event', name], ['id', id], ['retry', retryMs]])) {
    if (value === undefined) continue;
    const line = String(value);
    if (/[\r\n]/.test(line) || (field === 'id' && line.includes('\0'))) {
      throw new Error(`an event of an event stream can't have the ${field} ${JSON.stringify(line)}`);
    }
    out += written(field, toBinary(toBytes(line, field)), '\n');
  }
  return fromBinary(`${out}${written('data', toBinary(toBytes(data, 'data')), '\n')}\n`);
}

/**
 * Lines, each with its end: CR, LF, CRLF, or nothing behind the last one.
 *
 * @param {string} binary
 * @returns {[line: string, end: string][]}
 */
function lines(binary) {
  return [...binary.matchAll(/([^\r\n]*)(\r\n|\r|\n|$)/g)]
    .map(([, line = '', end = '']) => /** @type {[string, string]} */ ([line, end]))
    .filter(([line, end]) => line !== '' || end !== '');
}

/**
 * Name and value of a line; null for a comment and for a blank line.
 *
 * @param {string} line
 * @returns {[name: string, value: string] | null}
 */
function field(line) {
  const colon = line.indexOf(':');
  if (colon < 0) return line === '' ? null : [line, ''];
  return colon === 0 ? null : [line.slice(0, colon), line.slice(colon + 1).replace(/^ /, '')];
}

/** @param {Uint8Array} event */
function binaryFields(event) {
  return lines(toBinary(event)).flatMap(([line]) => {
    const found = field(line);
    return found ? [found] : [];
  });
}

/**
 * One field for each line of the value; what stands behind the last line break is a line too.
 *
 * @param {string} name
 * @param {string} value
 * @param {string} lineEnd
 */
function written(name, value, lineEnd) {
  return value
    .split(/\r\n|\r|\n/)
    .map((line) => `${name}: ${line}${lineEnd}`)
    .join('');
}

/** @param {string} binary */
function text(binary) {
  return decodeUtf8Lossy(fromBinary(binary));
}
