// Parts of a URL and of the field `cookie`, as text.

import { decodeUtf8Lossy, encodeUtf8, wellFormed } from './utf8.js';

/**
 * Percent-decodes text. What is not UTF-8 becomes U+FFFD, and a `%` without two digits behind it stays. `+` stays too: only
 * in a query is it a space, see `request.queryParam`.
 *
 * @param {string} text
 * @returns {string}
 */
export function urlDecode(text) {
  return text.replace(/(?:%[0-9a-f]{2})+/gi, (escaped) =>
    decodeUtf8Lossy(Uint8Array.from(escaped.slice(1).split('%'), (digits) => parseInt(digits, 16))),
  );
}

/**
 * Percent-encodes every byte but letters, digits and `-._~` (RFC 3986, section 2.3), so that the text is one part of a path
 * or of a query.
 *
 * @param {string} text
 * @returns {string}
 */
export function urlEncode(text) {
  return encodeURIComponent(wellFormed(text)).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

/**
 * Name and value of each parameter of a query, decoded.
 *
 * @param {string} query without its `?`
 * @returns {[name: string, value: string][]}
 */
export function parseQuery(query) {
  return query
    .split('&')
    .filter((part) => part !== '')
    .map((part) => {
      const [name, value] = cut(part.replaceAll('+', ' '), '=');
      return [urlDecode(name), urlDecode(value ?? '')];
    });
}

/**
 * Name and value of each cookie in a field `cookie`, as they were sent.
 *
 * @param {string} field
 * @returns {[name: string, value: string][]}
 */
export function parseCookies(field) {
  return field.split(';').flatMap((pair) => {
    const [name, value] = cut(pair, '=');
    return value === null ? [] : [/** @type {[string, string]} */ ([name.trim(), value.trim()])];
  });
}

/**
 * Whether two texts, or bytes, are the same, found in a time that doesn't tell how much of them is.
 *
 * @param {string | Uint8Array} a
 * @param {string | Uint8Array} b
 * @returns {boolean}
 */
export function timingSafeEqual(a, b) {
  const [left, right] = [a, b].map((one) => (typeof one === 'string' ? encodeUtf8(one) : one));
  if (!left || !right) return false;
  let differing = left.length ^ right.length;
  for (let at = 0; at < left.length; at++) differing |= (left[at] ?? 0) ^ (right[at % right.length] ?? 0);
  return differing === 0;
}

/**
 * What is before and behind the first mark; null behind if there is none.
 *
 * @param {string} text
 * @param {string} mark
 * @returns {[before: string, behind: string | null]}
 */
function cut(text, mark) {
  const at = text.indexOf(mark);
  return at < 0 ? [text, null] : [text.slice(0, at), text.slice(at + 1)];
}
