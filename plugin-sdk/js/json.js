// Changing one value of a JSON text without touching another byte. JSON.parse and JSON.stringify would rewrite numbers,
// escapes, white space and the order of numeric keys.

import { decodeUtf8, encodeUtf8, toBinary } from './utf8.js';

/** Objects and arrays inside each other; a text nested deeper is left alone. */
const MAX_DEPTH = 128;

/**
 * Replaces the value of the first member `name` of the object that a JSON text is; every other byte stays.
 *
 * The name is compared as it is written between its quotes. Returns null, so that nothing is changed, if the bytes are
 * not one valid JSON text in UTF-8 (RFC 8259), if it is not an object, nested deeper than 128 levels, or without the
 * member.
 *
 * @param {Uint8Array} body
 * @param {string} name
 * @param {string} value a JSON text, such as `quoteJson` and `JSON.stringify` return
 * @returns {Uint8Array | null}
 */
export function replaceJsonMember(body, name, value) {
  const text = toBinary(body);
  if (!/^[ \t\n\r]*\{/.test(text)) return null;
  const place = findMember(text, toBinary(encodeUtf8(name)));
  return place && isJson(body) ? splice(body, place, encodeUtf8(value)) : null;
}

/**
 * Text as a JSON string. `"` and `\` are escaped, control characters become `\u00xx`, everything else stays as it is.
 *
 * @param {string} text
 * @returns {string}
 */
export function quoteJson(text) {
  const escaped = text.replace(/["\\\x00-\x1f]/g, (character) =>
    character < ' ' ? `\\u00${character.charCodeAt(0).toString(16).padStart(2, '0')}` : `\\${character}`,
  );
  return `"${escaped}"`;
}

/**
 * Where the value of the member lies, white space around it not counted. Right only for valid JSON.
 *
 * @param {string} text bytes as characters
 * @param {string} name likewise
 * @returns {{ start: number, end: number } | null}
 */
function findMember(text, name) {
  const inTop = /["{}[\],:]/g;
  const inside = /["{}[\]]/g; // deeper down only the depth matters
  let depth = 0;
  let atKey = false;
  let found = false;
  let start = -1;
  let end = -1;
  for (let next = 0; ;) {
    const structure = depth > 1 ? inside : inTop;
    structure.lastIndex = next;
    if (!structure.test(text)) break;
    next = structure.lastIndex;
    const character = text[next - 1];
    if (character === '"') {
      const close = closingQuote(text, next);
      if (close < 0) return null;
      if (atKey && start < 0) found = text.slice(next, close) === name;
      atKey = false;
      next = close + 1;
    } else if (character === '{' || character === '[') {
      if (++depth > MAX_DEPTH) return null;
      atKey = depth === 1;
    } else if (character === ':') {
      if (found && start < 0) start = next;
    } else {
      if (depth === 1 && start >= 0 && end < 0) end = next - 1;
      atKey = character === ',';
      if (!atKey) depth--;
    }
  }
  return start < 0 || end < 0 ? null : trimmed(text, start, end);
}

/**
 * The index of the quote that ends the string, or -1: the next one behind an even number of backslashes.
 *
 * @param {string} text
 * @param {number} begin behind the opening quote
 */
function closingQuote(text, begin) {
  for (let close = text.indexOf('"', begin); close >= 0; close = text.indexOf('"', close + 1)) {
    let before = close;
    while (text[before - 1] === '\\') before--;
    if ((close - before) % 2 === 0) return close;
  }
  return -1;
}

/**
 * @param {string} text
 * @param {number} start
 * @param {number} end
 */
function trimmed(text, start, end) {
  while (isSpace(text[start])) start++;
  while (end > start && isSpace(text[end - 1])) end--;
  return { start, end };
}

/** @param {string | undefined} character */
function isSpace(character) {
  return character === ' ' || character === '\n' || character === '\r' || character === '\t';
}

/** @param {Uint8Array} body */
function isJson(body) {
  try {
    JSON.parse(decodeUtf8(body));
    return true;
  } catch {
    return false;
  }
}

/**
 * @param {Uint8Array} body
 * @param {{ start: number, end: number }} place
 * @param {Uint8Array} value
 */
function splice(body, { start, end }, value) {
  const spliced = new Uint8Array(start + value.length + body.length - end);
  spliced.set(body.subarray(0, start));
  spliced.set(value, start);
  spliced.set(body.subarray(end), start + value.length);
  return spliced;
}
