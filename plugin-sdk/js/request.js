// The request of the exchange in hand: an object without content, each property one host call.

/// <reference path="./contract.d.ts" />

import * as host from 'tollgate:proxy/request@0.1.0';
import { changing } from './errors.js';
import { kind, Message } from './message.js';
import { wellFormed } from './utf8.js';

/**
 * The request as the plugins before this one left it. In `returnResponse` it is the one that went to the backend, past
 * changing.
 */
class Request extends Message {
  /** The method, case as sent: `GET`, `PROPFIND`. Setting it may throw a FieldError. */
  get method() {
    return host.method();
  }

  set method(method) {
    changing(() => host.setMethod(text(method, 'method')));
  }

  /** How the client spoke to the host: `http` or `https`. */
  get scheme() {
    return host.scheme();
  }

  /**
   * The host and port that the client asked for, empty if it named none. Setting it changes what the backend sees, as
   * setting the field `host` does; it may throw a FieldError.
   */
  get authority() {
    return host.authority();
  }

  set authority(authority) {
    changing(() => host.setAuthority(text(authority, 'authority')));
  }

  /**
   * Path and query as they stand on the wire: never decoded, never normalised. What is set begins with `/` (or is `*`
   * for OPTIONS) and is sent as given; it may throw a FieldError.
   */
  get target() {
    return host.target();
  }

  set target(target) {
    changing(() => host.setTarget(text(target, 'target')));
  }

  /** The target up to its first `?`, raw. */
  get path() {
    return host.target().split('?', 1)[0] ?? '';
  }

  /** What follows the first `?` of the target, raw; null without a `?`. */
  get query() {
    const target = host.target();
    const mark = target.indexOf('?');
    return mark < 0 ? null : target.slice(mark + 1);
  }
}

/**
 * @param {string} value
 * @param {string} what
 */
function text(value, what) {
  if (typeof value !== 'string') throw new TypeError(`${what}: expected a string, got ${kind(value)}`);
  return wellFormed(value);
}

export const request = new Request(host);
