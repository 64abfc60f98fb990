// Time and chance.

import { clockAbi, randomAbi } from "./abi";
import { bytesAt, release, result, word } from "./memory";

/** Milliseconds since 1970-01-01T00:00:00Z, as `Date.now()`. */
export function now(): i64 {
  clockAbi.now(result);
  return load<i64>(result) * 1000 + word(8) / 1_000_000;
}

/** 64 random bits, cryptographically secure. `Math.random()` is seeded with them, anew in each instance. */
export function random(): u64 {
  return randomAbi.number();
}

/** So many random bytes, cryptographically secure. */
export function randomBytes(count: i32): Uint8Array {
  randomAbi.bytes(count, result);
  const bytes = bytesAt(result);
  release();
  return bytes;
}
