// Memory for what the host hands over, and reading it.
//
// The host asks for memory while a call runs. Each block is linked to the one before, and all are freed once what they hold
// has been copied to AssemblyScript's own objects, which the collector looks after.

import { FieldError, FieldErrorKind } from "./types";

/** Where the host writes results; the largest is one of a list or an error with a 64-bit number. */
// @ts-ignore: decorator
@lazy export const result: usize = memory.data(24, 8);

/** In front of each block: the address of the one before. Keeps the alignment of 16. */
const HEADER: usize = 16;

let newest: usize = 0;

export function allocate(old: usize, oldLength: usize, align: usize, length: usize): usize {
  const block = heap.alloc(HEADER + length);
  store<usize>(block, newest);
  newest = block;
  if (old) memory.copy(block + HEADER, old, min(oldLength, length));
  return block + HEADER;
}

/** Frees what the host handed over in the last call. */
export function release(): void {
  while (newest) {
    const block = newest;
    newest = load<usize>(block);
    heap.free(block);
  }
}

/** The 32-bit number at an offset of the result. */
// @ts-ignore: decorator
@inline export function word(offset: usize): u32 {
  return load<u32>(result + offset);
}

/** The case of a variant at an offset of the result, a single byte. */
// @ts-ignore: decorator
@inline export function tag(offset: usize): u8 {
  return load<u8>(result + offset);
}

/** Copies the bytes whose pointer and length stand at an address. */
export function bytesAt(address: usize): Uint8Array {
  const length = load<u32>(address, 4);
  const bytes = new Uint8Array(length);
  memory.copy(bytes.dataStart, load<u32>(address), length);
  return bytes;
}

/** Copies the text whose pointer and length stand at an address. The host promises UTF-8. */
export function textAt(address: usize): string {
  return String.UTF8.decodeUnsafe(load<u32>(address), load<u32>(address, 4));
}

/** Text on its way to the host. It stays in place as long as this object is held. */
export function lower(text: string): ArrayBuffer {
  return String.UTF8.encode(text, false, String.UTF8.ErrorMode.REPLACE);
}

// @ts-ignore: decorator
@inline export function start(buffer: ArrayBuffer): usize {
  return changetype<usize>(buffer);
}

/** Reads a result without a value: null if all is well. */
export function takeFieldError(): FieldError | null {
  let error: FieldError | null = null;
  if (tag(0)) {
    const kind = <FieldErrorKind>tag(4);
    error = new FieldError(kind, kind == FieldErrorKind.TooMany ? "" : textAt(result + 8));
  }
  release();
  return error;
}
