// The plugin's exports; a second entry file of the build. `transform.mjs` gives them the contract's names, which are no
// identifiers, and takes those of `std.ts` away again.

import "./abort";
import { Fate, Rewriter, beginBody } from "./body";
import { callRequestHook, callResponseHook, callStartHook, misuse, takeFailure } from "./hooks";
import { log } from "./exchange";
import { allocate, lower, release, start } from "./memory";

export * from "./std";

/** What a hook returns: a result of a verdict or nothing, or of an error text. */
const returned: usize = memory.data(12, 4);

/** Holds the error text until the host has read it. */
let reason: ArrayBuffer | null = null;

/** Ends the instance if the plugin is no good, with words that the host tells. In the first call of a version that keeps it
 * out of service. */
function check(): void {
  const why = misuse();
  if (why === null) return;
  log.critical(why);
  unreachable();
}

export function forwardRequest(): usize {
  check();
  return lowerResult(<u8>callRequestHook());
}

export function returnResponse(): usize {
  check();
  callResponseHook();
  return lowerResult(0);
}

export function startInstance(): usize {
  check();
  callStartHook();
  return lowerResult(0);
}

// The transform exports these only for a plugin that registers such a body.

/** What rewrites the body in hand. An instance has one at a time. */
let body: Rewriter | null = null;

export function requestBodyBegin(): usize {
  return begin(true);
}

export function responseBodyBegin(): usize {
  return begin(false);
}

function begin(isRequest: bool): usize {
  body = null;
  const fresh = beginBody(isRequest);
  lowerResult(fresh ? 1 : 0);
  if (load<u8>(returned) || !fresh) return returned;
  body = fresh;
  store<u8>(returned, <u8>fresh.unit, 5);
  store<u8>(returned, fresh.decoded ? 1 : 0, 6);
  return returned;
}

export function bodyPiece(data: usize, length: usize): usize {
  const piece = new Uint8Array(<i32>length);
  memory.copy(piece.dataStart, data, length);
  release();
  const current = body;
  if (!current) return lowerResult(0, NOT_BEGUN);
  const fate = current.piece(piece);
  lowerResult(<u8>fate);
  if (load<u8>(returned) || fate == Fate.Stop) body = null;
  return returned;
}

export function bodyEnd(): usize {
  const current = body;
  body = null;
  if (!current) return lowerResult(0, NOT_BEGUN);
  current.end();
  return lowerResult(0);
}

const NOT_BEGUN = "the host gave a piece of a body that had not begun";

export function cabi_realloc(old: usize, oldLength: usize, align: usize, length: usize): usize {
  return allocate(old, oldLength, align, length);
}

function lowerResult(verdict: u8, wrong: string | null = null): usize {
  const told = takeFailure();
  const failure = told === null ? wrong : told;
  store<u8>(returned, failure === null ? 0 : 1);
  if (failure === null) {
    store<u8>(returned, verdict, 4);
  } else {
    const text = lower(failure);
    reason = text;
    store<usize>(returned, start(text), 4);
    store<usize>(returned, text.byteLength, 8);
  }
  return returned;
}
