// The host's functions. They can be called while a hook runs, and not before: the top level of a module runs at build time,
// where there is no host. A call there would end the build with a trap of the engine, so it is refused here with words.

/// <reference path="./contract.d.ts" />

import * as requestInterface from 'tollgate:proxy/request@0.1.0';
import * as responseInterface from 'tollgate:proxy/response@0.1.0';
import * as exchangeInterface from 'tollgate:proxy/exchange@0.1.0';
import * as storeInterface from 'wasi:config/store@0.2.0-rc.1';
import * as loggingInterface from 'wasi:logging/logging@0.1.0-draft';
import * as randomInterface from 'wasi:random/random@0.2.0';
import { placeOf } from './place.js';

let live = false;
/** @type {(() => void)[]} */
const openings = [];

export const request = guarded(requestInterface, 'request');
export const response = guarded(responseInterface, 'response');
export const exchange = guarded(exchangeInterface, 'exchange');
export const store = guarded(storeInterface, 'settings');
export const logging = guarded(loggingInterface, 'log');
export const random = guarded(randomInterface, 'random numbers');

/** A hook runs: from now on the host can be called. Each instance starts from the snapshot that was made at build time. */
export function begin() {
  if (live) return;
  live = true;
  for (const open of openings) open();
}

/** Whether a hook of this instance has run. */
export function isLive() {
  return live;
}

/**
 * The functions of an interface, each of which throws until `begin`.
 *
 * @template {object} T
 * @param {T} functions
 * @param {string} what
 * @returns {T}
 */
export function guarded(functions, what) {
  /** @type {Record<string, unknown>} */
  const guard = {};
  for (const name of Object.keys(functions)) {
    guard[name] = () => {
      throw tooEarly(what);
    };
  }
  if (live) Object.assign(guard, functions);
  else openings.push(() => Object.assign(guard, functions));
  return /** @type {T} */ (guard);
}

/**
 * @param {string} what
 */
function tooEarly(what) {
  const error = new Error();
  error.message =
    `${what} can't be used at the top level of a module, which runs at build time${placeOf(error)}: ` +
    'move this into start, forwardRequest or returnResponse';
  return error;
}
