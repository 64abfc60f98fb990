// Text and bytes. StarlingMonkey has TextEncoder and TextDecoder, QuickJS has neither: there the work is done by
// functions that are native in QuickJS (base64, URI coding), since a loop over the bytes costs twenty times as much.

const hasText = typeof TextEncoder === 'function' && typeof TextDecoder === 'function';
const encoder = hasText ? new TextEncoder() : null;
// ignoreBOM keeps U+FEFF, so that text that is put back has every byte it had.
const strict = hasText ? new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }) : null;
const lossy = hasText ? new TextDecoder('utf-8', { ignoreBOM: true }) : null;

/** Uint8Array with the base64 methods of ECMAScript 2026, which TypeScript's ES2022 library doesn't know. */
const Bytes = /** @type {any} */ (Uint8Array);
const hasBase64 = typeof Bytes.fromBase64 === 'function' && typeof btoa === 'function';
/** Below this many bytes a loop is quicker than the way over base64. */
const SHORT = 48;

/** A sequence that is UTF-8; else what one U+FFFD stands for: the longest beginning of one, or a single byte. */
const SEQUENCES = new RegExp(
  [
    '[\\xc2-\\xdf][\\x80-\\xbf]',
    '(?:\\xe0[\\xa0-\\xbf]|[\\xe1-\\xec\\xee\\xef][\\x80-\\xbf]|\\xed[\\x80-\\x9f])[\\x80-\\xbf]?',
    '(?:\\xf0[\\x90-\\xbf]|[\\xf1-\\xf3][\\x80-\\xbf]|\\xf4[\\x80-\\x8f])[\\x80-\\xbf]{0,2}',
    '[\\x80-\\xff]',
  ].join('|'),
  'g',
);

/**
 * Text as UTF-8. A lone surrogate becomes U+FFFD.
 *
 * @param {string} text
 * @returns {Uint8Array}
 */
export function encodeUtf8(text) {
  if (encoder) return encoder.encode(text);
  return fromBinary(isAscii(text) ? text : unescape(encodeURIComponent(wellFormed(text))));
}

/**
 * UTF-8 as text. Throws a TypeError if the bytes are not UTF-8; a byte order mark stays.
 *
 * @param {Uint8Array} bytes
 * @returns {string}
 */
export function decodeUtf8(bytes) {
  try {
    if (strict) return strict.decode(bytes);
    const binary = toBinary(bytes);
    return isAscii(binary) ? binary : decodeURIComponent(escape(binary));
  } catch {
    throw new TypeError('the bytes are not UTF-8');
  }
}

/**
 * UTF-8 as text; what is not UTF-8 becomes U+FFFD.
 *
 * @param {Uint8Array} bytes
 * @returns {string}
 */
export function decodeUtf8Lossy(bytes) {
  if (lossy) return lossy.decode(bytes);
  const binary = toBinary(bytes);
  return isAscii(binary) ? binary : binary.replace(SEQUENCES, decodeSequence);
}

/**
 * Bytes as a string of as many characters, U+0000 to U+00FF.
 *
 * @param {Uint8Array} bytes
 * @returns {string}
 */
export function toBinary(bytes) {
  if (hasBase64 && bytes.length > SHORT) return atob(/** @type {any} */ (bytes).toBase64());
  let binary = '';
  for (let at = 0; at < bytes.length; at += 4096) {
    binary += String.fromCharCode(...bytes.subarray(at, at + 4096));
  }
  return binary;
}

/**
 * The text without lone surrogates, which cannot cross to the host.
 *
 * @param {string} text
 * @returns {string}
 */
export function wellFormed(text) {
  return /** @type {any} */ (text).toWellFormed();
}

/**
 * A string of characters from U+0000 to U+00FF as bytes.
 *
 * @param {string} binary
 * @returns {Uint8Array}
 */
export function fromBinary(binary) {
  if (hasBase64 && binary.length > SHORT) return Bytes.fromBase64(btoa(binary));
  const bytes = new Uint8Array(binary.length);
  for (let at = 0; at < binary.length; at++) bytes[at] = binary.charCodeAt(at);
  return bytes;
}

/** @param {string} text */
function isAscii(text) {
  return !/[^\x00-\x7f]/.test(text);
}

/** @param {string} sequence */
function decodeSequence(sequence) {
  try {
    return decodeURIComponent(escape(sequence));
  } catch {
    return '\ufffd';
  }
}
