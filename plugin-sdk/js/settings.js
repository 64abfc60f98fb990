// The plugin's settings. The host gives a string as it is and anything else as JSON text. They don't change while an
// instance lives, but can't be read before the first hook runs: not at the top level of a module.

import { store } from './host.js';
import { wellFormed } from './utf8.js';

export const settings = {
  get,

  /**
   * A setting that must be there. Throws an Error that names it if it is not.
   *
   * @param {string} key
   * @returns {string}
   */
  require(key) {
    const value = get(key);
    if (value === null) throw new Error(`setting ${key} is missing`);
    return value;
  },

  /**
   * A number, boolean, list or table; `fallback`, which is null unless given, if it is not set. Throws an Error that
   * names the setting if it is not JSON.
   *
   * @param {string} key
   * @param {any} [fallback]
   * @returns {any}
   */
  json(key, fallback = null) {
    const text = get(key);
    if (text === null) return fallback;
    try {
      return JSON.parse(text);
    } catch {
      throw new Error(`setting ${key} is ${JSON.stringify(text)}: expected a number, true, false, a list or a table`);
    }
  },

  /**
   * Every setting as text.
   *
   * @returns {Record<string, string>}
   */
  all() {
    return Object.fromEntries(store.getAll());
  },
};

/**
 * A setting as text; null if it is not set.
 *
 * @overload
 * @param {string} key
 * @returns {string | null}
 */
/**
 * A setting as text; `fallback` if it is not set.
 *
 * @overload
 * @param {string} key
 * @param {string} fallback
 * @returns {string}
 */
/**
 * @param {string} key
 * @param {string | null} [fallback]
 */
function get(key, fallback = null) {
  return store.get(wellFormed(String(key))) ?? fallback;
}
