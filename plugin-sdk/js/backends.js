// The backend that a request is sent to. The plugin needs the permission `backends`, which lists the names of backends in the configuration.

/// <reference path="./contract.d.ts" />

import * as backendsInterface from 'tollgate:proxy/backends@0.1.0';
import { choosing } from './errors.js';
import { guarded } from './host.js';
import { kind } from './message.js';
import { wellFormed } from './utf8.js';

const host = guarded(backendsInterface, 'backends');

/**
 * Sends the request to this backend, in `forwardRequest`; the last call counts, whichever plugin makes it. The field `host` is not
 * changed: see `request.authority`. Throws a BackendError.
 *
 * @param {string} name
 */
export function choose(name) {
  if (typeof name !== 'string') throw new TypeError(`backends.choose: expected a string, got ${kind(name)}`);
  choosing(() => host.setBackend(wellFormed(name)));
}

/**
 * The name of the backend that the request is sent to: the one that was chosen last, else that of the route.
 *
 * @returns {string}
 */
export function current() {
  return host.backend();
}
