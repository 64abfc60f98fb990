// State, outbound requests, waiting and metrics. AssemblyScript has no exceptions that can be caught, so what may fail gives an object
// with `ok`, the contract's word in `reason`, and the host's words in `message`.

import { clientAbi, metricsAbi, stateAbi, timerAbi } from "./abi";
import { bytesAt, lower, release, result, start, tag, textAt, word } from "./memory";
import { Field } from "./types";
import { decodeUtf8, encodeUtf8 } from "./utf8";

// prettier-ignore
const STATE_REASONS: string[] = ["too-large", "full", "not-a-number", "timed-out", "unavailable"];
// prettier-ignore
const SEND_REASONS: string[] = [
  "denied", "invalid-request", "unresolved", "unreachable", "tls", "timed-out", "too-large", "protocol", "too-many",
];

/** What a function of `state` gave. After the reasons `timed-out` and `unavailable` a write may have been done. */
export class StateResult {
  /** Empty if all went well. */
  reason: string = "";
  message: string = "";
  /** Of `get`; null if there is none or it has expired. */
  value: Uint8Array | null = null;
  /** Of `delete` and `compareAndSwap`. */
  is: bool = false;
  /** Of `increment`. */
  sum: i64 = 0;
  /** Of `keys`. */
  keys: string[] = [];

  get ok(): bool {
    return this.reason.length == 0;
  }

  /** The value as text; bytes that are not UTF-8 become U+FFFD. */
  text(): string | null {
    const value = this.value;
    return value ? decodeUtf8(value) : null;
  }
}

/**
 * Data that outlives an exchange, in the plugin's bucket. It needs the permission `state`. Each function takes effect at one moment, also
 * between hosts that share a Redis server. `ttlMs` is a time to live in milliseconds; 0 is for ever.
 */
export namespace state {
  export function get(key: string): StateResult {
    const name = lower(key);
    stateAbi.get(start(name), name.byteLength, result);
    const got = began(4);
    if (got.ok && tag(4)) got.value = bytesAt(result + 8);
    release();
    return got;
  }

  export function set(key: string, value: string, ttlMs: u64 = 0): StateResult {
    return setBytes(key, encodeUtf8(value), ttlMs);
  }

  export function setBytes(key: string, value: Uint8Array, ttlMs: u64 = 0): StateResult {
    const name = lower(key);
    stateAbi.set(start(name), name.byteLength, value.dataStart, value.length, ttlMs != 0, ttlMs, result);
    return ended(began(4));
  }

  /** Removes a key; `is` says whether there was one. */
  export function remove(key: string): StateResult {
    const name = lower(key);
    stateAbi.remove(start(name), name.byteLength, result);
    const got = began(4);
    got.is = got.ok && tag(4) != 0;
    return ended(got);
  }

  /** Adds to a whole number, written in decimal. An absent key counts as 0. The time to live counts from when the key is created. */
  export function increment(key: string, by: i64 = 1, ttlMs: u64 = 0): StateResult {
    const name = lower(key);
    stateAbi.increment(start(name), name.byteLength, by, ttlMs != 0, ttlMs, result);
    const got = began(8);
    if (got.ok) got.sum = load<i64>(result + 8);
    return ended(got);
  }

  /** Replaces a value if it is as expected, which `is` says. Null is an absent key; as the new value it removes the key. */
  export function compareAndSwap(key: string, expected: Uint8Array | null, new_: Uint8Array | null, ttlMs: u64 = 0): StateResult {
    const name = lower(key);
    const before = expected ? expected : new Uint8Array(0);
    const after = new_ ? new_ : new Uint8Array(0);
    stateAbi.compareAndSwap(
      start(name), name.byteLength, expected !== null, before.dataStart, before.length, new_ !== null, after.dataStart, after.length,
      ttlMs != 0, ttlMs, result,
    );
    const got = began(4);
    got.is = got.ok && tag(4) != 0;
    return ended(got);
  }

  /** Keys that begin with a prefix, in the order of their bytes, behind `after` unless that is null, at most so many, and at most 1000. */
  export function keys(prefix: string, after: string | null = null, limit: u32 = 1000): StateResult {
    const begin = lower(prefix);
    const behind = lower(after ? after : "");
    stateAbi.keys(start(begin), begin.byteLength, after !== null, start(behind), behind.byteLength, limit, result);
    const got = began(4);
    if (got.ok) {
      const list = word(4);
      const count = word(8);
      for (let i: u32 = 0; i < count; i++) got.keys.push(textAt(list + 8 * i));
    }
    return ended(got);
  }
}

/** Reads the error of the result, if it is one, whose value begins at an offset. */
function began(offset: u32): StateResult {
  const got = new StateResult();
  if (tag(0)) {
    got.reason = nameOf(STATE_REASONS, tag(offset));
    got.message = textAt(result + offset + 4);
  }
  return got;
}

function ended(got: StateResult): StateResult {
  release();
  return got;
}

function nameOf(names: string[], at: u8): string {
  return <i32>at < names.length ? names[at] : "unknown";
}

/** A request to be sent. */
export class OutgoingRequest {
  fields: Field[] = [];
  body: Uint8Array = new Uint8Array(0);
  /** Of the whole call in milliseconds; 0 is the host's. */
  timeoutMs: u32 = 0;

  constructor(
    public method: string,
    /** Absolute, with the scheme http or https. */
    public url: string,
  ) {}
}

/** A response, or why there is none. */
export class Sent {
  /** Empty if there is a response. */
  reason: string = "";
  message: string = "";
  status: u16 = 0;
  /** Names in lower case. */
  fields: Field[] = [];
  body: Uint8Array = new Uint8Array(0);
  trailers: Field[] = [];

  get ok(): bool {
    return this.reason.length == 0;
  }

  /** The first value of a field as text, by its name in lower case; null if there is none. */
  field(name: string): string | null {
    for (let i = 0; i < this.fields.length; i++) if (this.fields[i].name == name) return this.fields[i].text();
    return null;
  }

  /** The body as text; bytes that are not UTF-8 become U+FFFD. */
  text(): string {
    return decodeUtf8(this.body);
  }
}

/**
 * Outbound requests. They need the permission `http`, which lists where requests may go. A function waits for the whole response; a
 * response with any status is one. Redirects are not followed.
 */
export namespace client {
  export function get(url: string): Sent {
    return send(new OutgoingRequest("GET", url));
  }

  export function send(request: OutgoingRequest): Sent {
    return sendAll([request])[0];
  }

  /** Sends several at the same time. The results are in the order of the requests. */
  export function sendAll(requests: OutgoingRequest[]): Sent[] {
    // Held until the host has read them.
    const held: ArrayBuffer[] = [];
    const lists: StaticArray<u32>[] = [];
    const list = new StaticArray<u32>(10 * requests.length);
    for (let i = 0; i < requests.length; i++) {
      const request = requests[i];
      const method = lower(request.method);
      const url = lower(request.url);
      const fields = lowerFields(request.fields, held);
      held.push(method);
      held.push(url);
      lists.push(fields);
      list[10 * i] = <u32>start(method);
      list[10 * i + 1] = method.byteLength;
      list[10 * i + 2] = <u32>start(url);
      list[10 * i + 3] = url.byteLength;
      list[10 * i + 4] = <u32>changetype<usize>(fields);
      list[10 * i + 5] = request.fields.length;
      list[10 * i + 6] = <u32>request.body.dataStart;
      list[10 * i + 7] = request.body.length;
      list[10 * i + 8] = request.timeoutMs ? 1 : 0;
      list[10 * i + 9] = request.timeoutMs;
    }
    clientAbi.sendAll(changetype<usize>(list), requests.length, result);
    const sent: Sent[] = [];
    const results = word(0);
    const count = word(4);
    for (let i: u32 = 0; i < count; i++) sent.push(received(results + 32 * i));
    release();
    return sent;
  }
}

function received(at: usize): Sent {
  const sent = new Sent();
  if (load<u8>(at)) {
    sent.reason = nameOf(SEND_REASONS, load<u8>(at, 4));
    sent.message = textAt(at + 8);
    return sent;
  }
  sent.status = load<u16>(at, 4);
  sent.fields = fieldsAt(load<u32>(at, 8), load<u32>(at, 12));
  sent.body = bytesAt(at + 16);
  sent.trailers = fieldsAt(load<u32>(at, 24), load<u32>(at, 28));
  return sent;
}

function fieldsAt(list: usize, count: u32): Field[] {
  const fields: Field[] = [];
  for (let i: u32 = 0; i < count; i++) fields.push(new Field(textAt(list + 16 * i), bytesAt(list + 16 * i + 8)));
  return fields;
}

function lowerFields(fields: Field[], held: ArrayBuffer[]): StaticArray<u32> {
  const list = new StaticArray<u32>(4 * fields.length);
  for (let i = 0; i < fields.length; i++) {
    const name = lower(fields[i].name);
    held.push(name);
    list[4 * i] = <u32>start(name);
    list[4 * i + 1] = name.byteLength;
    list[4 * i + 2] = <u32>fields[i].value.dataStart;
    list[4 * i + 3] = fields[i].value.length;
  }
  return list;
}

export namespace timer {
  /** Waits without blocking the host; at most 120 seconds in all in a call of a hook. */
  export function sleep(ms: u64): void {
    timerAbi.sleep(ms);
  }
}

/**
 * What a plugin counts and measures. What the host can't record is a warning in its log. Labels are fields (`Field.of("kind", "a")`); don't use a
 * path, an address or an id as a label's value.
 */
export namespace metrics {
  /** For `onStart`. The bounds are the upper bounds of a histogram's buckets; none are the host's. */
  export function describe(name: string, help: string, bounds: StaticArray<f64> = []): void {
    const key = lower(name);
    const words = lower(help);
    metricsAbi.describe(start(key), key.byteLength, start(words), words.byteLength, changetype<usize>(bounds), bounds.length);
  }

  /** Adds to a counter. */
  export function add(name: string, by: f64 = 1, labels: Field[] = []): void {
    const key = lower(name);
    const held: ArrayBuffer[] = [];
    const list = lowerFields(labels, held);
    metricsAbi.add(start(key), key.byteLength, by, changetype<usize>(list), labels.length);
  }

  /** Sets a gauge. */
  export function set(name: string, value: f64, labels: Field[] = []): void {
    const key = lower(name);
    const held: ArrayBuffer[] = [];
    const list = lowerFields(labels, held);
    metricsAbi.set(start(key), key.byteLength, value, changetype<usize>(list), labels.length);
  }

  /** Records an observation in a histogram. */
  export function observe(name: string, value: f64, labels: Field[] = []): void {
    const key = lower(name);
    const held: ArrayBuffer[] = [];
    const list = lowerFields(labels, held);
    metricsAbi.observe(start(key), key.byteLength, value, changetype<usize>(list), labels.length);
  }
}
