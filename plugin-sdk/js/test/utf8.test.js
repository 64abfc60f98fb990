// The module chooses by what the engine has, so it is loaded once for each engine that there may be.

import assert from 'node:assert/strict';
import { test } from 'node:test';

const { TextDecoder, TextEncoder } = globalThis;
const reference = {
  fatal: new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }),
  lossy: new TextDecoder('utf-8', { ignoreBOM: true }),
};
const native = await import('../utf8.js?native');
delete globalThis.TextDecoder;
delete globalThis.TextEncoder;
const loops = await import('../utf8.js?loops');
Uint8Array.fromBase64 ??= (text) => Uint8Array.from(Buffer.from(text, 'base64'));
Uint8Array.prototype.toBase64 ??= function toBase64() {
  return Buffer.from(this).toString('base64');
};
const base64 = await import('../utf8.js?base64');
Object.assign(globalThis, { TextDecoder, TextEncoder });

const ENGINES = { 'an engine with TextDecoder': native, 'an engine without base64': loops, QuickJS: base64 };
const TEXTS = [
  '',
  'a',
  'é☃😀',
  '\ufefftext',
  '\0\x7f\x80\u07ff\u0800\uffff\u{10000}\u{10ffff}',
  'x'.repeat(10_000),
  '☃é'.repeat(10_000),
];

for (const [name, utf8] of Object.entries(ENGINES)) {
  test(`${name}: text survives both ways`, () => {
    for (const text of TEXTS) {
      const bytes = utf8.encodeUtf8(text);
      assert.deepEqual(bytes, new TextEncoder().encode(text));
      assert.equal(utf8.decodeUtf8(bytes), text);
      assert.equal(utf8.decodeUtf8Lossy(bytes), text);
      assert.equal(utf8.toBinary(bytes), Buffer.from(bytes).toString('latin1'));
    }
  });

  test(`${name}: a lone surrogate becomes U+FFFD`, () => {
    assert.deepEqual(utf8.encodeUtf8('a\ud800b\udc00'), new TextEncoder().encode('a\ufffdb\ufffd'));
  });

  test(`${name}: bytes that are not UTF-8 are refused, or become U+FFFD as the Encoding Standard has it`, () => {
    let refused = 0;
    for (const bytes of odd(3000)) {
      assert.equal(utf8.decodeUtf8Lossy(bytes), reference.lossy.decode(bytes), String(bytes));
      let expected = null;
      try {
        expected = reference.fatal.decode(bytes);
      } catch {
        refused++;
      }
      if (expected === null)
        assert.throws(() => utf8.decodeUtf8(bytes), new TypeError('the bytes are not UTF-8'), String(bytes));
      else assert.equal(utf8.decodeUtf8(bytes), expected);
    }
    assert.ok(refused > 1000, `only ${refused} were refused`);
  });
}

/** Sequences of bytes where UTF-8 decides, the same at each run. */
function* odd(count) {
  const edges = [
    0x00, 0x41, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xc1, 0xc2, 0xdf, 0xe0, 0xe1, 0xec, 0xed, 0xee, 0xef,
    0xf0, 0xf1, 0xf3, 0xf4, 0xf5, 0xff,
  ];
  let seed = 1;
  const next = (below) => {
    seed = (seed * 48271) % 2147483647;
    return seed % below;
  };
  for (let made = 0; made < count; made++) {
    yield Uint8Array.from({ length: 1 + next(6) }, () => edges[next(edges.length)]);
  }
}
