// What requests and responses have in common: fields and a body. Each method is one host call; nothing is fetched
// before it is asked for.

import { changing, reading } from './errors.js';
import { decodeUtf8, decodeUtf8Lossy, encodeUtf8, wellFormed } from './utf8.js';

/**
 * A field's value on its way to the host: text goes out as UTF-8.
 *
 * @typedef {string | Uint8Array} Value
 */
/**
 * Several fields: an object (a repeated field has an array), or name and value in pairs.
 *
 * @typedef {Record<string, Value | Value[]> | Iterable<readonly [string, Value]>} Fields
 */

export class Message {
  /** @type {import('tollgate:proxy/types@0.1.0').MessageInterface} */
  #host;

  /** @param {import('tollgate:proxy/types@0.1.0').MessageInterface} host */
  constructor(host) {
    this.#host = host;
  }

  /**
   * The first value of a field as text, null if the message doesn't have it. An empty value is not an absent one. Bytes
   * that are not UTF-8 become U+FFFD; `fieldBytes` has them.
   *
   * @param {string} name
   * @returns {string | null}
   */
  field(name) {
    const bytes = this.fieldBytes(name);
    return bytes && decodeUtf8Lossy(bytes);
  }

  /**
   * The first value of a field as it stands on the wire, null if the message doesn't have it.
   *
   * @param {string} name
   * @returns {Uint8Array | null}
   */
  fieldBytes(name) {
    return this.#host.field(fieldName(name)) ?? null;
  }

  /**
   * All values of a field as text, in their order.
   *
   * @param {string} name
   * @returns {string[]}
   */
  fieldValues(name) {
    return this.fieldValuesBytes(name).map(decodeUtf8Lossy);
  }

  /**
   * All values of a field as they stand on the wire, in their order.
   *
   * @param {string} name
   * @returns {Uint8Array[]}
   */
  fieldValuesBytes(name) {
    return this.#host.fieldValues(fieldName(name));
  }

  /**
   * All fields in the order of the message, names in lower case, values as text, in one call.
   *
   * @returns {[name: string, value: string][]}
   */
  fields() {
    return this.fieldsBytes().map(([name, value]) => [name, decodeUtf8Lossy(value)]);
  }

  /**
   * All fields in the order of the message, names in lower case, values as they stand on the wire.
   *
   * @returns {[name: string, value: Uint8Array][]}
   */
  fieldsBytes() {
    return this.#host.fields();
  }

  /**
   * Makes this the only value of the field. Throws a FieldError.
   *
   * @param {string} name
   * @param {Value} value
   */
  setField(name, value) {
    changing(() => this.#host.setField(fieldName(name), toBytes(value, name)));
  }

  /**
   * Sets several fields in one call: what is given of a name is all that the message has of it afterwards, other
   * names are left alone. Throws a FieldError, and then none is changed.
   *
   * @param {Fields} fields
   */
  setFields(fields) {
    changing(() => this.#host.setFields(toFieldList(fields)));
  }

  /**
   * Adds a value behind those that the field has. Throws a FieldError.
   *
   * @param {string} name
   * @param {Value} value
   */
  appendField(name, value) {
    changing(() => this.#host.appendField(fieldName(name), toBytes(value, name)));
  }

  /**
   * Removes every value of the field; it is no error if there was none. Throws a FieldError.
   *
   * @param {string} name
   */
  deleteField(name) {
    changing(() => this.#host.deleteField(fieldName(name)));
  }

  /**
   * The whole body, empty if there is none, as sent: `content-encoding` is not undone. It stays in place for everyone
   * else. A body that no plugin asks for streams past, so ask only when it is needed. Throws a BodyError.
   *
   * @returns {Uint8Array}
   */
  body() {
    return reading(() => this.#host.body());
  }

  /**
   * The whole body as text. Throws a BodyError, or a TypeError if it is not UTF-8.
   *
   * @returns {string}
   */
  text() {
    const bytes = this.body();
    try {
      return decodeUtf8(bytes);
    } catch {
      this.#refuseEncoded();
      throw new TypeError('the body is not UTF-8');
    }
  }

  /**
   * The whole body, read as JSON. Throws a BodyError, or a SyntaxError if it is not JSON.
   *
   * @returns {any}
   */
  json() {
    return JSON.parse(this.text());
  }

  /**
   * Replaces the body. The host sets `content-length`, removes `content-encoding` and digests, and weakens `etag`. A
   * plugin that puts an encoded body in place sets `content-encoding` in the same hook.
   *
   * @param {string | Uint8Array} body
   */
  setBody(body) {
    this.#host.setBody(toBytes(body, 'the body'));
  }

  /**
   * Replaces the body by a value as JSON. `content-type` becomes `application/json` unless it names a JSON type
   * already.
   *
   * @param {unknown} value
   */
  setJson(value) {
    const body = JSON.stringify(value);
    if (body === undefined) throw new TypeError(`${typeof value} can't be JSON`);
    if (!/json/i.test(this.field('content-type') ?? '')) this.setField('content-type', 'application/json');
    this.setBody(body);
  }

  /**
   * Rewrites the body as text. True if it was text; a body that isn't (an image, say) is left alone. Throws a
   * BodyError, and an Error if the body is encoded (`contentCoding`): call `request.acceptIdentity()` in `forwardRequest`,
   * so that the backend sends it plain.
   *
   * @param {(text: string) => string} rewrite
   * @returns {boolean}
   */
  mapText(rewrite) {
    this.#refuseEncoded();
    const bytes = this.body();
    let text;
    try {
      text = decodeUtf8(bytes);
    } catch {
      return false;
    }
    const rewritten = rewrite(text);
    if (rewritten !== text) this.setBody(rewritten);
    return true;
  }

  /**
   * The coding of the body, such as `gzip`; null if it is sent as it is.
   *
   * @returns {string | null}
   */
  contentCoding() {
    const coding = this.fieldValues('content-encoding').join(', ').trim();
    return /^(identity)?$/i.test(coding) ? null : coding;
  }

  #refuseEncoded() {
    const coding = this.contentCoding();
    if (coding !== null) {
      throw new Error(
        `the body is encoded (content-encoding: ${coding}): call request.acceptIdentity() in forwardRequest`,
      );
    }
  }
}

/**
 * Text as it is, bytes as they are; anything else would be a trap in the engine, which says nothing.
 *
 * @param {Value} value
 * @param {string} what
 * @returns {Uint8Array}
 */
export function toBytes(value, what) {
  if (typeof value === 'string') return encodeUtf8(value);
  if (value instanceof Uint8Array) return value;
  throw new TypeError(`${what}: expected a string or a Uint8Array, got ${kind(value)}`);
}

/**
 * @param {unknown} value
 * @returns {string}
 */
export function kind(value) {
  return value === null ? 'null' : Array.isArray(value) ? 'an array' : typeof value;
}

/** @param {string} name */
function fieldName(name) {
  if (typeof name !== 'string') throw new TypeError(`expected a field's name, got ${kind(name)}`);
  return wellFormed(name);
}

/**
 * @param {Fields} fields
 * @returns {[string, Uint8Array][]}
 */
export function toFieldList(fields) {
  const pairs = Symbol.iterator in fields ? [...fields] : Object.entries(fields);
  return pairs.flatMap(([name, value]) =>
    (Array.isArray(value) ? value : [value]).map(
      (one) => /** @type {[string, Uint8Array]} */ ([fieldName(name), toBytes(one, name)]),
    ),
  );
}
