// The contract as the engines give it to JavaScript, for the helper itself and for plugins that do without it.
// An absent option is `null` in QuickJS and `undefined` in StarlingMonkey; an error is thrown as `{ payload }`.

declare module 'tollgate:proxy/types@0.1.0' {
  export type FieldList = [name: string, value: Uint8Array][];
  export type FieldErrorPayload =
    | { tag: 'invalid-name'; val: string }
    | { tag: 'invalid-value'; val: string }
    | { tag: 'owned-by-host'; val: string }
    | { tag: 'too-many' };
  export type BodyErrorPayload =
    | { tag: 'too-large'; val: number | bigint }
    | { tag: 'timed-out' }
    | { tag: 'disconnected'; val: string }
    | { tag: 'already-streamed' };
  /** What `request` and `response` have in common. */
  export interface MessageInterface {
    field(name: string): Uint8Array | null | undefined;
    fieldValues(name: string): Uint8Array[];
    fields(): FieldList;
    setField(name: string, value: Uint8Array): void;
    setFields(fields: FieldList): void;
    appendField(name: string, value: Uint8Array): void;
    deleteField(name: string): void;
    body(): Uint8Array;
    setBody(body: Uint8Array): void;
  }
}

declare module 'tollgate:proxy/request@0.1.0' {
  export function method(): string;
  export function setMethod(method: string): void;
  export function scheme(): 'http' | 'https';
  export function authority(): string;
  export function setAuthority(authority: string): void;
  export function target(): string;
  export function setTarget(target: string): void;
  export function field(name: string): Uint8Array | null | undefined;
  export function fieldValues(name: string): Uint8Array[];
  export function fields(): [name: string, value: Uint8Array][];
  export function setField(name: string, value: Uint8Array): void;
  export function setFields(fields: [name: string, value: Uint8Array][]): void;
  export function appendField(name: string, value: Uint8Array): void;
  export function deleteField(name: string): void;
  export function body(): Uint8Array;
  export function setBody(body: Uint8Array): void;
}

declare module 'tollgate:proxy/response@0.1.0' {
  export function status(): number;
  export function setStatus(status: number): void;
  export function field(name: string): Uint8Array | null | undefined;
  export function fieldValues(name: string): Uint8Array[];
  export function fields(): [name: string, value: Uint8Array][];
  export function setField(name: string, value: Uint8Array): void;
  export function setFields(fields: [name: string, value: Uint8Array][]): void;
  export function appendField(name: string, value: Uint8Array): void;
  export function deleteField(name: string): void;
  export function body(): Uint8Array;
  export function setBody(body: Uint8Array): void;
}

declare module 'tollgate:proxy/exchange@0.1.0' {
  export function id(): string;
  export function clientAddress(): string;
  export function note(key: string): Uint8Array | null | undefined;
  export function setNote(key: string, value: Uint8Array): void;
}

declare module 'tollgate:proxy/state@0.1.0' {
  /** Numbers of 64 bits are bigint in StarlingMonkey and number in QuickJS; so they are below. */
  export function get(key: string): Uint8Array | null | undefined;
  export function set(key: string, value: Uint8Array, ttlMs: number | bigint | undefined): void;
  function remove(key: string): boolean;
  export { remove as delete };
  export function increment(key: string, by: number | bigint, ttlMs: number | bigint | undefined): number | bigint;
  export function compareAndSwap(
    key: string,
    expected: Uint8Array | undefined,
    replacement: Uint8Array | undefined,
    ttlMs: number | bigint | undefined,
  ): boolean;
  export function keys(prefix: string, after: string | undefined, limit: number): string[];
}

declare module 'tollgate:proxy/backends@0.1.0' {
  export function setBackend(name: string): void;
  export function backend(): string;
}

declare module 'tollgate:proxy/client@0.1.0' {
  export interface OutgoingRequest {
    method: string;
    uri: string;
    fields: [name: string, value: Uint8Array][];
    body: Uint8Array;
    timeoutMs: number | undefined;
  }
  export interface IncomingResponse {
    status: number;
    fields: [name: string, value: Uint8Array][];
    body: Uint8Array;
    trailers: [name: string, value: Uint8Array][];
  }
  export interface SendErrorPayload {
    tag:
      | 'denied'
      | 'invalid-request'
      | 'unresolved'
      | 'unreachable'
      | 'tls'
      | 'timed-out'
      | 'too-large'
      | 'protocol'
      | 'too-many';
    val: string;
  }
  export function send(request: OutgoingRequest): IncomingResponse;
  export function sendAll(
    requests: OutgoingRequest[],
  ): ({ tag: 'ok'; val: IncomingResponse } | { tag: 'err'; val: SendErrorPayload })[];
}

declare module 'tollgate:proxy/timer@0.1.0' {
  export function sleep(ms: number | bigint): void;
}

declare module 'tollgate:proxy/metrics@0.1.0' {
  export function describe(name: string, help: string, buckets: number[]): void;
  export function add(name: string, by: number, labels: [name: string, value: string][]): void;
  export function set(name: string, value: number, labels: [name: string, value: string][]): void;
  export function observe(name: string, value: number, labels: [name: string, value: string][]): void;
}

declare module 'tollgate:proxy/body-sink@0.1.0' {
  export function emit(data: Uint8Array): void;
}

declare module 'wasi:config/store@0.2.0-rc.1' {
  export function get(key: string): string | null | undefined;
  export function getAll(): [key: string, value: string][];
}

declare module 'wasi:random/random@0.2.0' {
  export function getRandomBytes(len: number | bigint): Uint8Array;
  /** A bigint in StarlingMonkey, a number in QuickJS; so is the parameter above. */
  export function getRandomU64(): number | bigint;
}

declare module 'wasi:logging/logging@0.1.0-draft' {
  export type Level = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'critical';
  export function log(level: Level, context: string, message: string): void;
}

/** The plugin's module: the build says which. */
declare module 'tollgate-plugin';
