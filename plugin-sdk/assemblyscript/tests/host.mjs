// A host for the tests: the canonical ABI from the other side, with canned answers.

import { readFile } from "node:fs/promises";

const utf8 = new TextEncoder();

export class Host {
  static async start() {
    const module = await WebAssembly.compile(await readFile(new URL("./build/plugin.wasm", import.meta.url)));
    const host = new Host();
    const { exports } = await WebAssembly.instantiate(module, host.imports());
    return Object.assign(host, {
      memory: exports.memory,
      forwardRequest: () => host.result(exports.forwardRequest()),
      returnResponse: () => host.result(exports.returnResponse()),
      allocate: exports.cabi_realloc,
    });
  }

  reset({ method = "GET", bodyText = "the body", bodyError = null } = {}) {
    Object.assign(this, { method, bodyText, bodyError, lines: [], setFields: [], notes: new Map(), status: 200, body: null });
  }

  view() {
    return new DataView(this.memory.buffer);
  }

  read(at, length) {
    return new TextDecoder().decode(new Uint8Array(this.memory.buffer, at, length));
  }

  /** Puts bytes into the guest's memory, and their address and length where it says. */
  give(at, bytes) {
    const start = this.allocate(0, 0, 1, bytes.length);
    new Uint8Array(this.memory.buffer).set(bytes, start);
    this.view().setUint32(at, start, true);
    this.view().setUint32(at + 4, bytes.length, true);
  }

  /** The same for a list, of which each element is one or two texts or bytes. */
  giveList(at, list) {
    const width = 8 * (list[0]?.length ?? 1);
    const start = this.allocate(0, 0, 4, width * list.length);
    list.forEach((element, i) => element.forEach((part, j) => this.give(start + width * i + 8 * j, bytesOf(part))));
    this.view().setUint32(at, start, true);
    this.view().setUint32(at + 4, list.length, true);
  }

  case(at, which) {
    this.view().setUint8(at, which);
  }

  /** What a hook returned. */
  result(at) {
    const view = this.view();
    if (view.getUint8(at)) return { error: this.read(view.getUint32(at + 4, true), view.getUint32(at + 8, true)) };
    return { verdict: view.getUint8(at + 4) };
  }

  fieldError(at, kind, detail) {
    this.case(at, 1);
    this.case(at + 4, kind);
    if (detail !== undefined) this.give(at + 8, utf8.encode(detail));
  }

  imports() {
    const text = (value) => (at) => this.give(at, utf8.encode(typeof value === "function" ? value() : value));
    const ok = (at) => this.case(at, 0);
    const accept = ["x", Uint8Array.of(0x79, 0xff)];
    const option = (at, value) => {
      this.case(at, value === undefined ? 0 : 1);
      if (value !== undefined) this.give(at + 4, bytesOf(value));
    };
    const body = (at) => {
      const error = this.bodyError;
      this.case(at, error ? 1 : 0);
      if (!error) return this.give(at + 8, utf8.encode(this.bodyText));
      this.case(at + 8, error.kind);
      if (error.limit !== undefined) this.view().setBigUint64(at + 16, error.limit, true);
      if (error.detail !== undefined) this.give(at + 16, utf8.encode(error.detail));
    };
    const setBody = (at, length) => (this.body = this.read(at, length));
    return {
      "tollgate:proxy/request@0.1.0": {
        method: text(() => this.method),
        scheme: text("https"),
        authority: text("example.com"),
        target: text("/a?b?c"),
        field: (name, length, at) => option(at, this.read(name, length) === "accept" ? accept[0] : undefined),
        "field-values": (name, length, at) => this.giveList(at, accept.map((value) => [value])),
        fields: (at) => this.giveList(at, accept.map((value) => ["accept", value])),
        "set-field": (name, length, value, valueLength, at) =>
          this.read(name, length) === "x" ? this.fieldError(at, 1, "no line break") : this.fieldError(at, 0, this.read(name, length)),
        "set-fields": (list, count, at) => {
          const word = (i) => this.view().getUint32(list + 4 * i, true);
          for (let i = 0; i < count; i++)
            this.setFields.push([this.read(word(4 * i), word(4 * i + 1)), this.read(word(4 * i + 2), word(4 * i + 3))]);
          ok(at);
        },
        "append-field": (name, length, value, valueLength, at) => this.fieldError(at, 3),
        "delete-field": (name, length, at) => this.fieldError(at, 2, this.read(name, length)),
        body,
        "set-body": setBody,
      },
      "tollgate:proxy/response@0.1.0": {
        status: () => this.status,
        "set-status": (status, at) => ((this.status = status), ok(at)),
        field: (name, length, at) => option(at, undefined),
        "set-field": (name, length, value, valueLength, at) => ok(at),
        "field-values": (name, length, at) => this.giveList(at, []),
        fields: (at) => this.giveList(at, []),
        "set-fields": (list, count, at) => ok(at),
        "append-field": (name, length, value, valueLength, at) => ok(at),
        "delete-field": (name, length, at) => ok(at),
        body,
        "set-body": setBody,
      },
      "tollgate:proxy/exchange@0.1.0": {
        id: text("id-1"),
        "client-address": text("127.0.0.1:1"),
        note: (key, length, at) => option(at, this.notes.get(this.read(key, length))),
        "set-note": (key, length, at, size) => void this.notes.set(this.read(key, length), this.read(at, size)),
      },
      "wasi:config/store@0.2.0-rc.1": {
        get: (key, length, at) => {
          ok(at);
          option(at + 4, this.read(key, length) === "empty" ? "" : undefined);
        },
        "get-all": (at) => {
          ok(at);
          this.giveList(at + 4, [["empty", ""], ["mark", "é"]]);
        },
      },
      "wasi:logging/logging@0.1.0-draft": {
        log: (level, context, contextLength, message, length) =>
          void this.lines.push([level, this.read(context, contextLength), this.read(message, length)]),
      },
    };
  }
}

function bytesOf(value) {
  return typeof value === "string" ? utf8.encode(value) : value;
}
