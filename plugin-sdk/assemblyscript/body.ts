// Bodies that flow.

import { sinkAbi } from "./abi";
import { encodeUtf8 } from "./utf8";

/** How a body is cut into pieces. */
export enum Unit {
  /** As it arrives. */
  Bytes,
  /** As it arrives, but never inside a UTF-8 character. */
  Text,
  /** Lines with their line ends. */
  Lines,
  /** Events of an event stream: see `events`. */
  Events,
  /** gRPC messages without their prefix. Each `emit` is one message. */
  Messages,
}

/** What becomes of a piece. */
export enum Fate {
  /** It goes on as it is, after what was emitted. */
  Keep,
  /** What was emitted goes on in its place, which may be nothing. */
  Replace,
  /** What was emitted goes on, then the body ends properly. */
  Stop,
}

/** Rewrites one body: an object for each body, so its fields are the state. `fail(…)` ends the message visibly broken. */
export abstract class Rewriter {
  unit: Unit = Unit.Bytes;
  /** Whether `content-encoding` is undone before the plugin and done again behind it. */
  decoded: bool = false;

  /** Called for each piece, which is the plugin's own copy. */
  abstract piece(piece: Uint8Array): Fate;

  /** Called when the body is complete, and not after `Fate.Stop`: may emit what is left. */
  end(): void {}
}

/** Called when the head is final, before the first piece; null leaves this body alone. */
export type BodyHook = () => Rewriter | null;

let requestBodyHook: BodyHook | null = null;
let responseBodyHook: BodyHook | null = null;
let twice: string | null = null;

/** Registers what is asked for each body of a request. A plugin that rewrites bodies needs no hooks. */
export function onRequestBody(hook: BodyHook): void {
  if (requestBodyHook) twice = "onRequestBody was called twice: one would replace the other";
  requestBodyHook = hook;
}

/** Registers what is asked for each body of a response. A plugin that rewrites bodies needs no hooks. */
export function onResponseBody(hook: BodyHook): void {
  if (responseBodyHook) twice = "onResponseBody was called twice: one would replace the other";
  responseBodyHook = hook;
}

/** Sends text of the body on, in a Rewriter. Waits while the receiver is not ready. */
export function emit(text: string): void {
  emitBytes(encodeUtf8(text));
}

/** Sends bytes of the body on, in a Rewriter. */
export function emitBytes(data: Uint8Array): void {
  sinkAbi.emit(data.dataStart, data.length);
}

/** For exports.ts: what is wrong with the registration, whether there is any, and what it gives for a body. */
export function bodyMisuse(): string | null {
  return twice;
}

export function hasBodies(): bool {
  return requestBodyHook !== null || responseBodyHook !== null;
}

export function beginBody(isRequest: bool): Rewriter | null {
  const hook = isRequest ? requestBodyHook : responseBodyHook;
  return hook ? hook() : null;
}
