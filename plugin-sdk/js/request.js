// The request of the current exchange: an object without content, each property one host call.

import { changing, FieldError } from './errors.js';
import { request as host } from './host.js';
import { kind, Message } from './message.js';
import { parseCookies, parseQuery } from './url.js';
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
   * The host and port that the client asked for, empty if it named none. Setting it changes the field `host` and nothing
   * else: it does not choose another backend. It may throw a FieldError.
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

  /** The target up to its first `?`, raw. Setting it keeps the query; it may throw a FieldError. */
  get path() {
    return host.target().split('?', 1)[0] ?? '';
  }

  set path(path) {
    if (/[?#]/.test(text(path, 'path'))) {
      throw new FieldError('invalid-value', `the path ${JSON.stringify(path)} has a ? or #: encode it with urlEncode`);
    }
    const query = this.query;
    this.target = query === null ? path : `${path}?${query}`;
  }

  /** What follows the first `?` of the target, raw; null without a `?`. */
  get query() {
    const target = host.target();
    const mark = target.indexOf('?');
    return mark < 0 ? null : target.slice(mark + 1);
  }

  /**
   * The first parameter of this name in the query, decoded (`+` is a space); null if there is none.
   *
   * @param {string} name decoded
   * @returns {string | null}
   */
  queryParam(name) {
    return this.queryParams().find(([found]) => found === name)?.[1] ?? null;
  }

  /**
   * All parameters of the query in their order, decoded.
   *
   * @returns {[name: string, value: string][]}
   */
  queryParams() {
    return parseQuery(this.query ?? '');
  }

  /**
   * The first cookie of this name, as it was sent; null if there is none.
   *
   * @param {string} name
   * @returns {string | null}
   */
  cookie(name) {
    return this.cookies().find(([found]) => found === name)?.[1] ?? null;
  }

  /**
   * All cookies in their order, as they were sent.
   *
   * @returns {[name: string, value: string][]}
   */
  cookies() {
    return this.fieldValues('cookie').flatMap(parseCookies);
  }

  /**
   * Asks the backend to send its response's body as it is, not compressed: for `forwardRequest` of a plugin that reads or
   * rewrites the body in `returnResponse`. Sets `accept-encoding` to `identity`.
   */
  acceptIdentity() {
    this.setField('accept-encoding', 'identity');
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
