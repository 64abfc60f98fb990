// Globals that packages take for granted and that QuickJS lacks, or has frozen in the snapshot. Where an engine has one
// that works, it stays.

/// <reference path="./globals.d.ts" />

import { isLive } from './host.js';
import { random, randomBytes, randomUuid } from './random.js';
import { decodeUtf8, decodeUtf8Lossy, encodeUtf8 } from './utf8.js';

const scope = /** @type {any} */ (globalThis);

// At build time, where packages make names of it, the engine's own has to do.
const frozen = Math.random;
Math.random = () => (isLive() ? random() : frozen());

// Its zero is part of the snapshot too, and on another machine it may lie in the future. In an instance it is the first call.
const engines = scope.performance;
/** @type {number | undefined} */
let zero;
if (engines) {
  const now = () => {
    if (!isLive()) return engines.now();
    const from = (zero ??= engines.now());
    return engines.now() - from;
  };
  Object.defineProperty(scope, 'performance', { value: { now }, configurable: true, writable: true });
}

/** Only UTF-8, as TextEncoder everywhere. */
class Encoder {
  get encoding() {
    return 'utf-8';
  }

  encode(text = '') {
    return encodeUtf8(String(text));
  }

  /**
   * @param {string} text
   * @param {Uint8Array} into
   */
  encodeInto(text, into) {
    let read = 0;
    let written = 0;
    for (const character of text) {
      const bytes = encodeUtf8(character);
      if (written + bytes.length > into.length) break;
      into.set(bytes, written);
      read += character.length;
      written += bytes.length;
    }
    return { read, written };
  }
}

/** Only UTF-8, and no streams. */
class Decoder {
  /**
   * @param {string} [label]
   * @param {{ fatal?: boolean, ignoreBOM?: boolean }} [options]
   */
  constructor(label = 'utf-8', { fatal = false, ignoreBOM = false } = {}) {
    if (!/^\s*(?:unicode-1-1-)?utf-?8\s*$/i.test(label)) {
      throw new RangeError(`TextDecoder: no encoding but utf-8 is there, not ${label}`);
    }
    this.fatal = fatal;
    this.ignoreBOM = ignoreBOM;
  }

  get encoding() {
    return 'utf-8';
  }

  /**
   * @param {ArrayBuffer | ArrayBufferView} [bytes]
   * @param {{ stream?: boolean }} [options]
   */
  decode(bytes = new Uint8Array(), { stream = false } = {}) {
    if (stream) throw new TypeError('TextDecoder: streams are not supported: decode the whole body');
    const view = ArrayBuffer.isView(bytes)
      ? new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength)
      : new Uint8Array(bytes);
    const text = this.fatal ? decodeUtf8(view) : decodeUtf8Lossy(view);
    return !this.ignoreBOM && text.startsWith('\ufeff') ? text.slice(1) : text;
  }
}

scope.TextEncoder ??= Encoder;
scope.TextDecoder ??= Decoder;

scope.crypto ??= {
  /** @param {ArrayBufferView} into */
  getRandomValues(into) {
    if (into.byteLength > 65536) throw new RangeError('crypto.getRandomValues: at most 65536 bytes at once');
    new Uint8Array(into.buffer, into.byteOffset, into.byteLength).set(randomBytes(into.byteLength));
    return into;
  },
  randomUUID: randomUuid,
};
