// Outbound HTTP requests. The plugin needs the permission `http`, which lists where requests may go.
//
// Each function waits for the whole response, and throws a SendError if there is none; a response with any status is one. Redirects are
// not followed, and nothing is sent in the trial of a version.

/// <reference path="./contract.d.ts" />

import * as clientInterface from 'tollgate:proxy/client@0.1.0';
import { SendError, sending } from './errors.js';
import { guarded } from './host.js';
import { kind, toBytes, toFieldList } from './message.js';
import { milliseconds } from './numbers.js';
import { refuseUnknown } from './unknown.js';
import { decodeUtf8, decodeUtf8Lossy, wellFormed } from './utf8.js';

const host = guarded(clientInterface, 'client');

/**
 * At most one of `body` and `json`.
 *
 * @typedef {object} Options
 * @property {import('./message.js').Fields} [fields] the host sets those of the connection and the framing, and `host` if it is absent
 * @property {string | Uint8Array} [body]
 * @property {unknown} [json] this as JSON with `content-type: application/json`, unless `fields` has another
 * @property {number} [timeoutMs] of the whole call, at most the host's, which it is if none is given
 */
/**
 * A request: an absolute `http` or `https` URL, and the method, which is GET unless given.
 *
 * @typedef {Options & { url: string, method?: string }} OutgoingRequest
 */

/** A response that was received. */
export class IncomingResponse {
  /** @param {import('tollgate:proxy/client@0.1.0').IncomingResponse} received */
  constructor(received) {
    this.status = received.status;
    /** Names in lower case, values as they were sent. */
    this.fields = received.fields;
    this.body = received.body;
    this.trailers = received.trailers;
  }

  /**
   * The first value of a field as text, null if the response doesn't have it.
   *
   * @param {string} name
   * @returns {string | null}
   */
  field(name) {
    const bytes = this.fieldBytes(name);
    return bytes && decodeUtf8Lossy(bytes);
  }

  /**
   * The first value of a field as it was sent, null if the response doesn't have it.
   *
   * @param {string} name
   * @returns {Uint8Array | null}
   */
  fieldBytes(name) {
    return this.fields.find(([known]) => known === name.toLowerCase())?.[1] ?? null;
  }

  /**
   * The body as text. Throws a TypeError if it is not UTF-8.
   *
   * @returns {string}
   */
  text() {
    try {
      return decodeUtf8(this.body);
    } catch {
      throw new TypeError('the response is not UTF-8');
    }
  }

  /**
   * The body, read as JSON. Throws an Error if the status is not one of success (2xx), and a SyntaxError if the body is not JSON.
   *
   * @returns {any}
   */
  json() {
    if (this.status < 200 || this.status > 299) throw new Error(`the response has the status ${this.status}`);
    return JSON.parse(this.text());
  }
}

/**
 * Sends a request.
 *
 * @param {OutgoingRequest} request
 * @returns {IncomingResponse}
 */
export function send(request) {
  const outgoing = toHost(request);
  return new IncomingResponse(sending(() => host.send(outgoing)));
}

/**
 * Sends a GET request.
 *
 * @param {string} url
 * @param {Options} [options]
 */
export function get(url, options) {
  return send({ ...options, url });
}

/**
 * Sends a POST request.
 *
 * @param {string} url
 * @param {Options} [options]
 */
export function post(url, options) {
  return send({ ...options, url, method: 'POST' });
}

/**
 * Sends several requests at the same time. The results are in the order of the requests; a SendError is given, not thrown.
 *
 * @param {OutgoingRequest[]} requests
 * @returns {(IncomingResponse | SendError)[]}
 */
export function sendAll(requests) {
  return host
    .sendAll(requests.map(toHost))
    .map((result) =>
      result.tag === 'ok' ? new IncomingResponse(result.val) : new SendError(result.val.tag, result.val.val),
    );
}

/** @param {OutgoingRequest} request */
function toHost(request) {
  refuseUnknown('client.send', request, ['url', 'method', 'fields', 'body', 'json', 'timeoutMs']);
  const { url, method = 'GET', fields = {}, body, json, timeoutMs } = request;
  if (body !== undefined && json !== undefined) throw new TypeError('client.send: body and json exclude each other');
  for (const text of [url, method]) {
    // Also a URL object, which no bundle has that doesn't name it.
    if (typeof text !== 'string') throw new TypeError(`client.send: expected url and method as strings, got ${kind(text)}`);
  }
  const list = toFieldList(fields);
  if (json !== undefined && !list.some(([name]) => name.toLowerCase() === 'content-type')) {
    list.push(['content-type', toBytes('application/json', 'content-type')]);
  }
  const content = json === undefined ? (body ?? '') : JSON.stringify(json);
  return {
    method: wellFormed(method),
    uri: wellFormed(url),
    fields: list,
    body: toBytes(content, 'client.send: body'),
    timeoutMs: timeoutMs === undefined ? undefined : milliseconds(timeoutMs, 'client.send: timeoutMs', 0xffffffff),
  };
}
