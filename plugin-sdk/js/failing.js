// What a plugin throws, as the one line of text that crosses to the host. Without this it would be a trap.

import { BackendError, BodyError, FieldError, SendError, StateError } from './errors.js';
import { begin } from './host.js';
import { kind } from './message.js';
import { placeOf } from './place.js';
import { wellFormed } from './utf8.js';

const REFUSALS = [FieldError, BodyError, StateError, SendError, BackendError];

/**
 * Runs what the host calls; what it throws goes on as text, which is all that crosses to the host.
 *
 * @template T
 * @param {() => T} hook
 * @returns {T}
 */
export function failing(hook) {
  begin();
  try {
    return hook();
  } catch (error) {
    throw wellFormed(describe(error));
  }
}

/**
 * What is wrong, for mistakes in the code also where, and what it was caused by.
 *
 * @param {unknown} error
 * @returns {string}
 */
function describe(error) {
  if (!(error instanceof Error)) return typeof error === 'string' ? error : `${kind(error)} was thrown: ${error}`;
  const meant = error.name === 'Error' || REFUSALS.some((refusal) => error instanceof refusal);
  const text = meant ? error.message : `${error.name}: ${error.message}${placeOf(error)}`;
  const { cause } = error;
  return cause === undefined || cause === error ? text : `${text}: caused by ${describe(cause)}`;
}
