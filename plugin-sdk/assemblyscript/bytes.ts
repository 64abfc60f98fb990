// What Uint8Array lacks.

/** Replaces every occurrence of some bytes; null if there is none. Nothing is found where nothing is looked for. */
export function replaceBytes(bytes: Uint8Array, from: Uint8Array, to: Uint8Array): Uint8Array | null {
  const found: i32[] = [];
  const length = from.length;
  if (length) {
    const last = bytes.length - length;
    for (let i = 0; i <= last; i++) {
      if (memory.compare(bytes.dataStart + i, from.dataStart, length)) continue;
      found.push(i);
      i += length - 1;
    }
  }
  if (!found.length) return null;
  const replaced = new Uint8Array(bytes.length + found.length * (to.length - length));
  let read = 0;
  let written = 0;
  for (let i = 0; i < found.length; i++) {
    replaced.set(bytes.subarray(read, found[i]), written);
    written += found[i] - read;
    replaced.set(to, written);
    written += to.length;
    read = found[i] + length;
  }
  replaced.set(bytes.subarray(read), written);
  return replaced;
}
