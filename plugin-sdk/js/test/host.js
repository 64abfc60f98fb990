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

/** The engines throw so. */
function thrown(payload) {
  return Object.assign(new Error('[object Object] (see error.payload)'), { payload });
}

class State {
  values = new Map();
  ttls = new Map();
  refusal = null;
  get(key) {
    if (this.refusal) throw thrown(this.refusal);
    return this.values.get(string(key)) ?? host.absent;
  }
  set(key, value, ttlMs) {
    this.values.set(string(key), bytes(value));
    this.ttls.set(key, ttlMs === undefined ? ttlMs : Number(sameKind(ttlMs)));
  }
  delete(key) {
    return this.values.delete(string(key));
  }
  increment(key, by, ttlMs) {
    const sum = Number(Buffer.from(this.values.get(string(key)) ?? '0').toString()) + Number(sameKind(by));
    this.set(key, Uint8Array.from(Buffer.from(`${sum}`)), ttlMs);
    return typeof by === 'bigint' ? BigInt(sum) : sum;
  }
  compareAndSwap(key, expected, replacement, ttlMs) {
    const is = this.values.get(string(key));
    if ((is && Buffer.from(is).toString('hex')) !== (expected && Buffer.from(bytes(expected)).toString('hex'))) return false;
    if (replacement === undefined) this.values.delete(key);
    else this.set(key, replacement, ttlMs);
    return true;
  }
  keys(prefix, after, limit) {
    assert.equal(typeof limit, 'number');
    const found = [...this.values.keys()].sort().filter((key) => key.startsWith(string(prefix)));
    return found.filter((key) => after === undefined || key > after).slice(0, limit);
  }
}

class Backends {
  name = 'default';
  refusal = null;
  setBackend(name) {
    if (this.refusal) throw thrown(this.refusal);
    this.name = string(name);
  }
  backend() {
    return this.name;
  }
}

/** Answers each request with what a test says of its URI: a response, or a payload. */
class Client {
  answers = {};
  sent = [];
  send(request) {
    const answer = this.one(request);
    if ('tag' in answer) throw thrown(answer);
    return answer;
  }
  sendAll(requests) {
    return requests.map((request) => {
      const answer = this.one(request);
      return { tag: 'tag' in answer ? 'err' : 'ok', val: answer };
    });
  }
  one(request) {
    bytes(request.body);
    string(request.method);
    for (const [name, value] of request.fields) string(name) && bytes(value);
    this.sent.push(request);
    return this.answers[string(request.uri)];
  }
}

export const host = {};

/** A new exchange; `absent` is what the engine gives for an absent option. */
export function reset({ absent } = { absent: null }) {
  const notes = new Map();
  const settings = {};
  const lines = [];
  const emitted = [];
  const slept = [];
  const measured = [];
  const measure = (name) => (...given) => measured.push([name, ...given]);
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
    state: new State(),
    backends: new Backends(),
    client: new Client(),
    timer: { sleep: (ms) => slept.push(Number(sameKind(ms))) },
    sink: { emit: (data) => emitted.push(Buffer.from(bytes(data)).toString()) },
    metrics: { describe: measure('describe'), add: measure('add'), set: measure('set'), observe: measure('observe') },
    random: {
      /** Counts up, so that every byte is told from its neighbours. */
      getRandomBytes: (count) => Uint8Array.from({ length: Number(sameKind(count)) }, () => host.drawn++),
      getRandomU64: () => host.u64,
    },
    drawn: 0,
    u64: 0n,
    settings,
    lines,
    emitted,
    slept,
    measured,
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
