// Chance, from the host. What the engine has of its own is part of the snapshot that is made at build time: every instance
// of a plugin would draw the same numbers.

import { random as host } from './host.js';
import { toInteger } from './numbers.js';

/**
 * A number from 0 up to and without 1 that nobody can foresee.
 *
 * @returns {number}
 */
export function random() {
  const drawn = host.getRandomU64();
  // QuickJS has u64 as a number, which may be rounded up to 2 ** 64.
  return typeof drawn === 'bigint' ? Number(drawn >> 11n) / 2 ** 53 : Math.min(drawn / 2 ** 64, 1 - 2 ** -53);
}

/**
 * This many bytes that nobody can foresee.
 *
 * @param {number} count
 * @returns {Uint8Array}
 */
export function randomBytes(count) {
  return host.getRandomBytes(toInteger(count));
}

/**
 * A random UUID (RFC 9562, version 4) in lower case.
 *
 * @returns {`${string}-${string}-${string}-${string}-${string}`}
 */
export function randomUuid() {
  const bytes = randomBytes(16);
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}
