// Numbers on their way to the host. A number that doesn't fit the contract's type would be a trap in the engine.

import { random } from './host.js';

/**
 * Whether the engine has numbers of 64 bits as bigint (StarlingMonkey) or as number (QuickJS); it traps if it is given the other.
 *
 * @type {boolean | undefined}
 */
let wide;

/**
 * A whole number as the engine has those of 64 bits.
 *
 * @param {number} value
 * @returns {number | bigint}
 */
export function toInteger(value) {
  wide ??= typeof random.getRandomU64() === 'bigint';
  return wide ? BigInt(value) : value;
}

/**
 * Milliseconds, rounded up, so that a short time is not none; at most `most`.
 *
 * @param {number} value
 * @param {string} what
 * @param {number} [most]
 */
export function milliseconds(value, what, most = Number.MAX_SAFE_INTEGER) {
  return Math.ceil(limited(value, what, most));
}

/**
 * A number from 0 on, at most `most`.
 *
 * @param {number} value
 * @param {string} what
 * @param {number} most
 */
export function limited(value, what, most) {
  if (typeof value !== 'number' || !(value >= 0)) {
    throw new TypeError(`${what}: expected a number from 0 on, got ${String(value)}`);
  }
  return Math.min(value, most);
}
