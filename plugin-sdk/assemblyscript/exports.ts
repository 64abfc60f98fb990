// The plugin's exports; a second entry file of the build. `transform.mjs` gives them the contract's names, which are no
// identifiers, and takes those of `std.ts` away again.

import "./abort";
import { callRequestHook, callResponseHook, misuse, takeFailure } from "./hooks";
import { log } from "./exchange";
import { allocate, lower, start } from "./memory";

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
