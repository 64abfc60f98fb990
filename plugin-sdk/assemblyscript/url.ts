// Queries, cookies and percent-encoding.

import { Pair } from "./types";
import { decodeUtf8, encodeUtf8 } from "./utf8";

/** `%XX` as its byte, and what is then not UTF-8 as U+FFFD. `+` stays, and so does a `%` that begins no escape. */
export function decodeUrl(text: string): string {
  return decode(text, false);
}

/** All but letters, digits and `-._~` as `%XX`, so that the text can stand in any part of a URL. */
export function encodeUrl(text: string): string {
  const bytes = encodeUtf8(text);
  const parts: string[] = [];
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i];
    if (isUnreserved(byte)) parts.push(String.fromCharCode(byte));
    else parts.push("%" + hexDigit(byte >> 4) + hexDigit(byte & 15));
  }
  return parts.join("");
}

function hexDigit(value: i32): string {
  return "0123456789ABCDEF".charAt(value);
}

function isUnreserved(byte: i32): bool {
  const lower = byte | 0x20;
  if ((lower >= 0x61 && lower <= 0x7a) || (byte >= 0x30 && byte <= 0x39)) return true;
  return byte == 0x2d || byte == 0x2e || byte == 0x5f || byte == 0x7e; // - . _ ~
}

function decode(text: string, plusIsSpace: bool): string {
  const bytes = encodeUtf8(text);
  let length = 0;
  for (let i = 0; i < bytes.length; i++) {
    let byte = bytes[i];
    if (byte == 0x25 && i + 2 < bytes.length) {
      const high = hexValue(bytes[i + 1]);
      const low = hexValue(bytes[i + 2]);
      if (high >= 0 && low >= 0) {
        bytes[length++] = <u8>((high << 4) | low);
        i += 2;
        continue;
      }
    }
    if (byte == 0x2b && plusIsSpace) byte = 0x20;
    bytes[length++] = byte;
  }
  return decodeUtf8(bytes.subarray(0, length));
}

/** -1 if it is no digit. */
function hexValue(byte: i32): i32 {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const lower = byte | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x61 + 10 : -1;
}

/** The parameters of a query, decoded. */
export function paramsOf(query: string): Pair[] {
  const params: Pair[] = [];
  const pieces = query.split("&");
  for (let i = 0; i < pieces.length; i++) {
    const piece = pieces[i];
    if (!piece.length) continue;
    const end = piece.indexOf("=");
    const name = end < 0 ? piece : piece.substring(0, end);
    params.push(new Pair(decode(name, true), end < 0 ? "" : decode(piece.substring(end + 1), true)));
  }
  return params;
}

/** Appends the cookies in one field. */
export function cookiesOf(field: string, all: Pair[]): void {
  const pieces = field.split(";");
  for (let i = 0; i < pieces.length; i++) {
    const end = pieces[i].indexOf("=");
    if (end >= 0) all.push(new Pair(pieces[i].substring(0, end).trim(), pieces[i].substring(end + 1).trim()));
  }
}

/** The value of the first pair of this name, or null. */
export function valueOf(pairs: Pair[], name: string): string | null {
  for (let i = 0; i < pairs.length; i++) {
    if (pairs[i].name == name) return pairs[i].value;
  }
  return null;
}

/** Whether a value of content-encoding is there and is not `identity`. */
export function isCoding(value: string): bool {
  const coding = value.trim();
  return coding.length > 0 && coding.toLowerCase() != "identity";
}
