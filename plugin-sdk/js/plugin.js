// The two hooks as the host wants them: what they return and throw becomes a verdict or one line of error. Without
// this a hook that returns nothing would trap.

import { BodyError, FieldError } from './errors.js';
import { kind } from './message.js';
import { response } from './response.js';
import { wellFormed } from './utf8.js';

/**
 * What a plugin does. A hook that is left out does nothing.
 *
 * @typedef {object} Hooks
 * @property {() => Verdict | void} [forwardRequest] Called before the backend is asked, as soon as the request's head
 *   is there. Returns `answer(…)` or `'respond'` to answer without the backend; nothing or `'forward'` to go on.
 * @property {() => void} [returnResponse] Called when the response's head is there.
 */
/** @typedef {'forward' | 'respond'} Verdict */
/**
 * At most one of `body`, `text` and `json`.
 *
 * @typedef {object} Answer
 * @property {number} [status] 200 unless given
 * @property {import('./message.js').Fields} [fields]
 * @property {string | Uint8Array} [body] as it is
 * @property {string} [text] the same with `content-type: text/plain; charset=utf-8`, unless `fields` has another
 * @property {unknown} [json] this as JSON with `content-type: application/json`, unless `fields` has another
 */

/**
 * Makes what a plugin exports of its hooks: `export const interceptor = plugin({ forwardRequest() { … } })`.
 *
 * Whatever a hook throws is its error: the text goes to the host's log, and the plugin's failure policy decides.
 *
 * @param {Hooks} hooks
 */
export function plugin({ forwardRequest, returnResponse }) {
  return {
    /** @returns {Verdict} */
    forwardRequest() {
      return failing(() => verdict(forwardRequest?.()));
    },
    returnResponse() {
      failing(() => finished(returnResponse?.(), 'returnResponse'));
    },
  };
}

/**
 * Answers the request without the backend: `return answer({ status: 403, text: 'no\n' })` in `forwardRequest`. Throws a
 * FieldError.
 *
 * @param {Answer} [answer]
 * @returns {'respond'}
 */
export function answer({ status = 200, fields, body, text, json } = {}) {
  response.status = status;
  if (fields) response.setFields(fields);
  const type = text !== undefined ? 'text/plain; charset=utf-8' : json !== undefined ? 'application/json' : null;
  if (type && response.fieldBytes('content-type') === null) response.setField('content-type', type);
  response.setBody(text ?? (json !== undefined ? JSON.stringify(json) : body) ?? '');
  return 'respond';
}

/**
 * @param {unknown} returned
 * @returns {Verdict}
 */
function verdict(returned) {
  if (returned === 'forward' || returned === 'respond') return returned;
  finished(returned, 'forwardRequest');
  return 'forward';
}

/**
 * @param {unknown} returned
 * @param {string} hook
 */
function finished(returned, hook) {
  if (returned === undefined) return;
  if (typeof (/** @type {any} */ (returned)?.then) === 'function') {
    throw new Error(`${hook} returned a promise: hooks are not async, host functions wait by themselves`);
  }
  const wanted = hook === 'forwardRequest' ? "nothing, 'forward' or answer(…)" : 'nothing';
  throw new Error(
    `${hook} returned ${typeof returned === 'string' ? JSON.stringify(returned) : kind(returned)}: expected ${wanted}`,
  );
}

/**
 * Runs a hook; what it throws goes on as text, which is all that crosses to the host.
 *
 * @template T
 * @param {() => T} hook
 * @returns {T}
 */
function failing(hook) {
  try {
    return hook();
  } catch (error) {
    throw wellFormed(describe(error));
  }
}

/**
 * @param {unknown} error
 * @returns {string}
 */
function describe(error) {
  if (!(error instanceof Error)) return typeof error === 'string' ? error : `${kind(error)} was thrown: ${error}`;
  const meant = error.name === 'Error' || error instanceof FieldError || error instanceof BodyError;
  return meant ? error.message : `${error.name}: ${error.message}${place(error)}`;
}

/**
 * Where in the bundled plugin a mistake was made: the first line of the stack.
 *
 * @param {Error} error
 */
function place(error) {
  const frame = (error.stack ?? '').split('\n').find((line) => /:\d+/.test(line));
  return frame ? ` (${frame.trim()})` : '';
}
