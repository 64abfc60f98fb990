// Runs the helper's functions on values, and its hooks against a host that is made here. How the real host behaves is tested
// by the cases of `tollgate test`.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import test from "node:test";

import { instantiate } from "./build/values.js";
import { Host } from "./host.mjs";

const values = await instantiate(await WebAssembly.compile(await readFile(new URL("./build/values.wasm", import.meta.url))), {});
const host = await Host.start();
const utf8 = (text) => new TextEncoder().encode(text);
const text = (bytes) => (bytes === null ? null : new TextDecoder().decode(bytes));
const replace = (body) => text(values.replaceJson(utf8(body), "greeting", "M"));
const deep = (levels) => `{"greeting":1,"a":${"[".repeat(levels - 1)}${"]".repeat(levels - 1)}}`;

test("one value is replaced, and every other byte stays", () => {
  for (const [body, want] of [
    ['{"greeting":"hi"}', '{"greeting":"M"}'],
    [' {\n\t"greeting" : [1, {}] \r} ', ' {\n\t"greeting" : "M" \r} '],
    ['{"n":1.50e+2,"\\u0061":"\\/","greeting":null}', '{"n":1.50e+2,"\\u0061":"\\/","greeting":"M"}'],
    ['{"greeting":1,"greeting":2}', '{"greeting":"M","greeting":2}'],
    ['{"a":{"greeting":1},"greeting":-0.0E-1}', '{"a":{"greeting":1},"greeting":"M"}'],
    ['{"gr\\u0065eting":1,"greeting":2}', '{"gr\\u0065eting":1,"greeting":"M"}'],
    [deep(128), deep(128).replace("1", '"M"')],
  ])
    assert.equal(replace(body), want);
});

test("nothing is replaced where nothing is to be", () => {
  for (const body of [
    "", " ", "{}", '["greeting"]', '{"gr\\u0065eting":1}', '{"x\\"greeting":1}', '{"greeting":1,}', '{"greeting":1}{}',
    '{"greeting":NaN}', '{"greeting":01}', '{"greeting":1.}', '{"greeting":.5}', '{"greeting":+1}', '{"greeting":1e}',
    '{"greeting":-}', '\ufeff{"greeting":1}', '{"greeting":"\x1f"}', '{"greeting":"\\x"}', '{"greeting":"\\u12g4"}',
    '{"greeting":1', '{"greeting":', '{"greeting"', '{"greeting":"\\', '{"greeting":tru}', '{"greeting":1 2}',
    "{greeting:1}", '{,"greeting":1}', '{"greeting":1]', '{"greeting":1}\0', deep(129),
  ])
    assert.equal(replace(body), null, body);
});

test("JSON is UTF-8", () => {
  const withBytes = (...bytes) => Uint8Array.from([...utf8('"'), ...bytes, ...utf8('"')]);
  const good = [[0xc2, 0x80], [0xdf, 0xbf], [0xe0, 0xa0, 0x80], [0xed, 0x9f, 0xbf], [0xee, 0x80, 0x80], [0xf0, 0x90, 0x80, 0x80], [0xf4, 0x8f, 0xbf, 0xbf]];
  const bad = [[0x80], [0xc1, 0xbf], [0xc2], [0xe0, 0x9f, 0xbf], [0xed, 0xa0, 0x80], [0xf0, 0x8f, 0xbf, 0xbf], [0xf4, 0x90, 0x80, 0x80], [0xf5, 0x80, 0x80, 0x80], [0xe2, 0x82]];
  for (const bytes of good) assert.equal(!!values.isJson(withBytes(...bytes)), true, bytes.join());
  for (const bytes of bad) assert.equal(!!values.isJson(withBytes(...bytes)), false, bytes.join());
});

test("text comes out of any bytes", () => {
  assert.equal(values.decodeUtf8(Uint8Array.of(0x61, 0xff, 0xc3, 0xa9, 0xed, 0xa0, 0x80, 0xc1)), "a\ufffdé\ufffd\ufffd\ufffd\ufffd");
  assert.equal(values.decodeUtf8(new Uint8Array(1_000_000).fill(0xff)).length, 1_000_000);
  assert.deepEqual(values.encodeUtf8("é😀\ud800"), utf8("é😀\ufffd"));
});

test("a string is quoted with the fewest escapes", () => {
  assert.equal(values.quoteJson('a"\\/\n\0\x1f\x7fé😀'), '"a\\"\\\\/\\u000a\\u0000\\u001f\x7fé😀"');
});

test("bytes are replaced", () => {
  const replaceBytes = (bytes, from, to) => text(values.replaceBytes(utf8(bytes), utf8(from), utf8(to)));
  assert.equal(replaceBytes("aXbXX", "X", "yz"), "ayzbyzyz");
  assert.equal(replaceBytes("aaa", "aa", ""), "a");
  assert.equal(replaceBytes("ab", "abc", "x"), null);
  assert.equal(replaceBytes("ab", "", "x"), null);
});

// What they do with whole queries and cookies is in ../../c/tests/helpers.
test("URLs are coded", () => {
  for (const [text, want] of [["%", "%"], ["%4", "%4"], ["%00%fF+", "\0\ufffd+"], ["", ""]])
    assert.equal(values.decodeUrl(text), want);
  assert.equal(values.encodeUrl("\0é+%azAZ09"), "%00%C3%A9%2B%25azAZ09");
  for (const value of ["", " ", " IDENTITY ", "identity"]) assert.equal(!!values.isCoding(value), false, value);
  for (const value of ["gzip", "gzip, identity", "identitx"]) assert.equal(!!values.isCoding(value), true, value);
});

test("every function of the contract gives and takes what it should", () => {
  host.reset();
  assert.deepEqual(host.forwardRequest(), { verdict: 0 });
  assert.deepEqual(host.lines, [
    [3, "test", [
      "GET", "https", "example.com", "/a?b?c", "/a", "b?c", "id-1", "127.0.0.1:1", "other", "", "empty=", "mark=é",
      "accept: x", "accept: y\ufffd", "value x", "value y\ufffd", "absent", "note", "no note",
      '"bad name" is not a field name', "no line break", "the field te is set by the host alone",
      "the message has as many fields as the host allows", "ok", "the body",
    ].join("\n")],
  ]);
  assert.deepEqual(host.setFields, [["a", "1"], ["b", "é"]]);
});

test("a hook answers, and fails", () => {
  host.reset({ method: "ANSWER" });
  assert.deepEqual(host.forwardRequest(), { verdict: 1 });
  assert.deepEqual([host.status, host.body], [299, "answer"]);
  host.reset({ method: "FAIL" });
  assert.deepEqual(host.forwardRequest(), { error: "as asked: é" });
});

test("a body that can't be had says why", () => {
  for (const [error, message] of [
    [{ kind: 0, limit: 2n ** 40n + 7n }, "the body is longer than the 1099511627783 bytes that this plugin may read"],
    [{ kind: 1 }, "the body did not arrive in time"],
    [{ kind: 2, detail: "gone" }, "the body broke off: gone"],
    [{ kind: 3 }, "the body has gone on to its receiver: read it in the request hook if it is needed later"],
  ]) {
    host.reset({ bodyError: error });
    assert.deepEqual(host.returnResponse(), { error: message });
  }
  host.reset();
  assert.deepEqual(host.returnResponse(), { verdict: 0 });
  assert.equal(host.body, "the body200");
});

test("the memory is bounded", () => {
  host.reset({ bodyText: "x".repeat(65536) });
  for (let i = 0; i < 200; i++) host.returnResponse();
  const before = host.memory.buffer.byteLength;
  for (let i = 0; i < 1000; i++) host.returnResponse();
  assert.equal(host.memory.buffer.byteLength, before);
});
