// The plugin's exports; a second entry file of the build. `transform.mjs` gives them the contract's names, which are no
// identifiers.

import "./abort";
import { callRequestHook, callResponseHook, takeFailure } from "./hooks";
import { allocate, lower, start } from "./memory";

/** What a hook returns: a result of a verdict or nothing, or of an error text. */
const returned: usize = memory.data(12, 4);

/** Holds the error text until the host has read it. */
let reason: ArrayBuffer | null = null;

export function forwardRequest(): usize {
  return lowerResult(<u8>callRequestHook());
}

export function returnResponse(): usize {
  callResponseHook();
  return lowerResult(0);
}

export function cabi_realloc(old: usize, oldLength: usize, align: usize, length: usize): usize {
  return allocate(old, oldLength, align, length);
}

function lowerResult(verdict: u8): usize {
  const failure = takeFailure();
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
