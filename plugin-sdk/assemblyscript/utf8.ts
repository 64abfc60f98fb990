// Text and bytes. Strings are UTF-16 here and UTF-8 everywhere else.

/** Text as bytes; a lone surrogate becomes U+FFFD. */
export function encodeUtf8(text: string): Uint8Array {
  return Uint8Array.wrap(String.UTF8.encode(text, false, String.UTF8.ErrorMode.REPLACE));
}

/** Bytes as text; each byte that is not part of a UTF-8 sequence becomes U+FFFD. */
export function decodeUtf8(bytes: Uint8Array): string {
  const start = bytes.dataStart;
  const end = start + bytes.length;
  if (validPrefix(start, end) == end) return String.UTF8.decodeUnsafe(start, bytes.length);
  const parts: string[] = [];
  let at = start;
  while (at < end) {
    const bad = validPrefix(at, end);
    parts.push(String.UTF8.decodeUnsafe(at, bad - at));
    if (bad < end) parts.push("\uFFFD");
    at = bad + 1;
  }
  return parts.join("");
}

/** Whether these bytes are UTF-8 (RFC 3629): nothing overlong, no surrogates, nothing above U+10FFFF. */
export function isUtf8(bytes: Uint8Array): bool {
  const end = bytes.dataStart + bytes.length;
  return validPrefix(bytes.dataStart, end) == end;
}

/** The address of the first byte that is not part of a UTF-8 sequence, or the end. */
function validPrefix(at: usize, end: usize): usize {
  while (at < end) {
    const length = sequenceLength(at, end);
    if (!length) return at;
    at += length;
  }
  return end;
}

/** The length of the sequence at an address, 0 if there is none. The second byte's range depends on the first. */
function sequenceLength(at: usize, end: usize): usize {
  const first = load<u8>(at);
  if (first < 0x80) return 1;
  if (first < 0xc2 || first > 0xf4) return 0;
  const length: usize = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
  if (end - at < length) return 0;
  const low: u8 = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
  const high: u8 = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
  const second = load<u8>(at, 1);
  if (second < low || second > high) return 0;
  for (let i: usize = 2; i < length; i++) {
    if ((load<u8>(at + i) & 0xc0) != 0x80) return 0;
  }
  return length;
}
