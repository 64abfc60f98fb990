// Data that outlives an exchange: values by key in the plugin's bucket. The plugin needs the permission `state`.
//
// Each function takes effect at one moment, also between hosts that share a Redis server, and throws a StateError if it can't. In the
// trial of a version the bucket is empty and forgotten afterwards. `ttlMs` is a time to live in milliseconds; without it a key never
// expires.

/// <reference path="./contract.d.ts" />

import * as stateInterface from 'tollgate:proxy/state@0.1.0';
import { keeping } from './errors.js';
import { guarded } from './host.js';
import { toBytes } from './message.js';
import { limited, milliseconds, toInteger } from './numbers.js';
import { refuseUnknown } from './unknown.js';
import { decodeUtf8Lossy, wellFormed } from './utf8.js';

const host = guarded(stateInterface, 'state');

/** @typedef {{ ttlMs?: number }} Ttl */

/**
 * The value of a key as text; null if there is none or it has expired. Bytes that are not UTF-8 become U+FFFD.
 *
 * @param {string} key
 * @returns {string | null}
 */
export function get(key) {
  const bytes = getBytes(key);
  return bytes && decodeUtf8Lossy(bytes);
}

/**
 * The value of a key; null if there is none or it has expired.
 *
 * @param {string} key
 * @returns {Uint8Array | null}
 */
export function getBytes(key) {
  return keeping(() => host.get(text(key)) ?? null);
}

/**
 * Sets a value. Without `ttlMs` it never expires, whatever was said before.
 *
 * @param {string} key
 * @param {string | Uint8Array} value
 * @param {Ttl} [options]
 */
export function set(key, value, options) {
  const ttl = ttlOf('state.set', options);
  keeping(() => host.set(text(key), toBytes(value, 'a value of the state'), ttl));
}

/**
 * Removes a key. False if there was none.
 *
 * @param {string} key
 * @returns {boolean}
 */
function remove(key) {
  return keeping(() => host.delete(text(key)));
}
export { remove as delete };

/**
 * Adds to a whole number and gives the sum, which is exact up to 2 ** 53. An absent key counts as 0. `ttlMs` counts from when the key
 * is created, so it makes a counter for a fixed period.
 *
 * @param {string} key
 * @param {number} [by]
 * @param {Ttl} [options]
 * @returns {number}
 */
export function increment(key, by = 1, options) {
  if (!Number.isSafeInteger(by)) throw new TypeError(`state.increment: expected a whole number, got ${String(by)}`);
  const ttl = ttlOf('state.increment', options);
  return Number(keeping(() => host.increment(text(key), toInteger(by), ttl)));
}

/**
 * Replaces a value if it is as expected; null is an absent key, and as the new value removes it. False if it was not as expected;
 * nothing was changed then.
 *
 * @param {string} key
 * @param {string | Uint8Array | null} expected
 * @param {string | Uint8Array | null} replacement
 * @param {Ttl} [options]
 * @returns {boolean}
 */
export function compareAndSwap(key, expected, replacement, options) {
  const ttl = ttlOf('state.compareAndSwap', options);
  const before = expected === null ? undefined : toBytes(expected, 'the expected value');
  const after = replacement === null ? undefined : toBytes(replacement, 'the new value');
  return keeping(() => host.compareAndSwap(text(key), before, after, ttl));
}

/**
 * Keys that begin with a prefix, in the order of their bytes, behind `after`, at most `limit` and at most 1000.
 *
 * @param {string} [prefix]
 * @param {{ after?: string, limit?: number }} [options]
 * @returns {string[]}
 */
export function keys(prefix = '', options = {}) {
  refuseUnknown('state.keys', options, ['after', 'limit']);
  const { after, limit = 1000 } = options;
  const behind = after === undefined ? undefined : text(after);
  return keeping(() => host.keys(text(prefix), behind, Math.floor(limited(limit, 'state.keys: limit', 1000))));
}

/** @param {string} key */
function text(key) {
  if (typeof key !== 'string') throw new TypeError(`a key of the state: expected a string, got ${typeof key}`);
  return wellFormed(key);
}

/**
 * @param {string} what
 * @param {Ttl} [options]
 */
function ttlOf(what, options = {}) {
  refuseUnknown(what, options, ['ttlMs']);
  return options.ttlMs === undefined ? undefined : toInteger(milliseconds(options.ttlMs, `${what}: ttlMs`));
}
