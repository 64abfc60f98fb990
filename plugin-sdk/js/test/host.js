// A host that is enough to test the helper: it keeps what it is given, refuses what a test tells it to, and insists
// on the types of the contract, since the engines trap where a type is wrong. The real host runs in the tour's tests.

import assert from 'node:assert/strict';
import { register } from 'node:module';

register('./hooks.js', import.meta.url);

class Message {
  list = [];
  content = new Uint8Array();
  /** Thrown, as the engines throw, by the next change or reading of a body. */
  refusal = null;

  field(name) {
    const found = this.list.find(([known]) => known === string(name));
    return found ? found[1] : host.absent;
  }
  fieldValues(name) {
    return this.list.filter(([known]) => known === string(name)).map(([, value]) => value);
  }
  fields() {
    return this.list;
  }
  setField(name, value) {
    this.setFields([[name, value]]);
  }
  setFields(fields) {
    this.refuse();
    for (const [name, value] of fields) string(name) && bytes(value);
    this.list = this.list.filter(([name]) => !fields.some(([given]) => given === name)).concat(fields);
  }
  appendField(name, value) {
    this.refuse();
    this.list.push([string(name), bytes(value)]);
  }
  deleteField(name) {
    this.refuse();
    this.list = this.list.filter(([known]) => known !== string(name));
  }
  body() {
    this.refuse();
    return this.content;
  }
  setBody(body) {
    this.content = bytes(body);
  }
  refuse() {
    const payload = this.refusal;
    this.refusal = null;
    if (payload) throw Object.assign(new Error('[object Object] (see error.payload)'), { payload });
  }
}

class Request extends Message {
  head = { method: 'GET', authority: 'example.com', target: '/' };
  method = () => this.head.method;
  scheme = () => 'https';
  authority = () => this.head.authority;
  target = () => this.head.target;
  setMethod = (method) => this.change('method', method);
  setAuthority = (authority) => this.change('authority', authority);
  setTarget = (target) => this.change('target', target);
  change(part, value) {
    this.refuse();
    this.head[part] = string(value);
  }
}

class Response extends Message {
  code = 200;
  status = () => this.code;
  setStatus(status) {
    this.refuse();
    this.code = status;
  }
}

export const host = {};

/** A new exchange; `absent` is what the engine gives for an absent option. */
export function reset({ absent } = { absent: null }) {
  const notes = new Map();
  const settings = {};
  const lines = [];
  Object.assign(host, {
    absent,
    request: new Request(),
    response: new Response(),
    exchange: {
      id: () => 'x1',
      clientAddress: () => '127.0.0.1:50312',
      note: (key) => notes.get(string(key)) ?? absent,
      setNote: (key, value) => notes.set(string(key), bytes(value)),
    },
    store: { get: (key) => settings[string(key)] ?? absent, getAll: () => Object.entries(settings) },
    logging: { log: (level, context, message) => lines.push([level, context, string(message)]) },
    random: {
      /** Counts up, so that every byte is told from its neighbours. */
      getRandomBytes: (count) => Uint8Array.from({ length: Number(sameKind(count)) }, () => host.drawn++),
      getRandomU64: () => host.u64,
    },
    drawn: 0,
    u64: 0n,
    settings,
    lines,
  });
  return host;
}

function string(value) {
  assert.equal(typeof value, 'string');
  assert.equal(value, Buffer.from(value).toString(), 'a lone surrogate traps');
  return value;
}

/** The engines trap where a u64 is not of their kind. */
function sameKind(value) {
  assert.equal(typeof value, typeof host.u64);
  return value;
}

function bytes(value) {
  assert.ok(value instanceof Uint8Array);
  return value;
}
