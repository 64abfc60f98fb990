// Keys of options that nobody knows, which would otherwise be ignored.

import { didYouMean } from './nearest.js';

/**
 * @param {string} what
 * @param {object} given
 * @param {string[]} known
 */
export function refuseUnknown(what, given, known) {
  for (const key of Object.keys(given)) {
    if (known.includes(key)) continue;
    const nearest = didYouMean(key, known, (name) => `did you mean ${name}? `);
    throw new TypeError(`${what}: ${key} is unknown: ${nearest}there are ${known.join(', ')}`);
  }
}
