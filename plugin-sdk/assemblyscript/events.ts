// Events of an event stream (server-sent events; WHATWG HTML, section 9.2), read as a browser reads them. With `Unit.Events` each piece
// of a body is one event: its lines, and the blank line at its end.

import { encodeUtf8 } from "./utf8";

const CR: u8 = 13;
const LF: u8 = 10;
const COLON: u8 = 58;
const SPACE: u8 = 32;

/** Where the line that begins at a place ends, without its line end. */
function lineEnd(bytes: Uint8Array, at: i32): i32 {
  while (at < bytes.length && bytes[at] != CR && bytes[at] != LF) at++;
  return at;
}

/** How long the line end at a place is: CR, LF, CRLF, or nothing behind the last line. */
function endLength(bytes: Uint8Array, at: i32): i32 {
  if (at >= bytes.length) return 0;
  return bytes[at] == CR && at + 1 < bytes.length && bytes[at + 1] == LF ? 2 : 1;
}

/** Where the value of a line with this name begins; -1 if the line has another name, or none. */
function valueOf(bytes: Uint8Array, from: i32, to: i32, name: Uint8Array): i32 {
  if (to - from < name.length || memory.compare(bytes.dataStart + from, name.dataStart, name.length)) return -1;
  let at = from + name.length;
  if (at == to) return at;
  if (bytes[at++] != COLON) return -1;
  return at < to && bytes[at] == SPACE ? at + 1 : at;
}

function append(out: u8[], bytes: Uint8Array, from: i32, to: i32): void {
  for (let i = from; i < to; i++) out.push(bytes[i]);
}

function taken(out: u8[]): Uint8Array {
  const bytes = new Uint8Array(out.length);
  for (let i = 0; i < out.length; i++) bytes[i] = out[i];
  return bytes;
}

/** One field for each line of the value; what stands behind the last line break is a line too. */
function write(out: u8[], name: Uint8Array, value: Uint8Array, end: Uint8Array): void {
  for (let at = 0; ; ) {
    const to = lineEnd(value, at);
    append(out, name, 0, name.length);
    out.push(COLON);
    out.push(SPACE);
    append(out, value, at, to);
    append(out, end, 0, end.length);
    const length = endLength(value, to);
    if (!length) return;
    at = to + length;
  }
}

export namespace events {
  /** The values of the fields `data` with line feeds between them; null if there is none. */
  export function data(event: Uint8Array): Uint8Array | null {
    const name = encodeUtf8("data");
    const out: u8[] = [];
    let found = false;
    for (let at = 0; at < event.length; ) {
      const to = lineEnd(event, at);
      const value = valueOf(event, at, to, name);
      if (value >= 0) {
        if (found) out.push(LF);
        found = true;
        append(out, event, value, to);
      }
      at = to + endLength(event, to);
    }
    return found ? taken(out) : null;
  }

  /** The value of the last field `event`; if it is empty, readers call the event `message`. */
  export function name(event: Uint8Array): string {
    const field = encodeUtf8("event");
    let last = "";
    for (let at = 0; at < event.length; ) {
      const to = lineEnd(event, at);
      const value = valueOf(event, at, to, field);
      if (value >= 0) last = String.UTF8.decodeUnsafe(event.dataStart + value, to - value);
      at = to + endLength(event, to);
    }
    return last;
  }

  /**
   * The event with other data; its other lines stay as they are. Each line of the data becomes a field `data`, at the place of the first
   * one, or behind the other fields.
   */
  export function withData(event: Uint8Array, new_: Uint8Array): Uint8Array {
    const field = encodeUtf8("data");
    const out: u8[] = [];
    let end = encodeUtf8("\n");
    let written = false;
    for (let at = 0; at < event.length; ) {
      const to = lineEnd(event, at);
      const next = to + endLength(event, to);
      if (next > to) end = event.slice(to, next);
      const isData = valueOf(event, at, to, field) >= 0;
      if ((isData || to == at) && !written) {
        write(out, field, new_, end);
        written = true;
      }
      if (!isData) append(out, event, at, next);
      at = next;
    }
    if (!written) {
      // The event was cut off, perhaps within a line.
      if (out.length && out[out.length - 1] != LF && out[out.length - 1] != CR) append(out, end, 0, end.length);
      write(out, field, new_, end);
    }
    return taken(out);
  }

  /** An event to be sent. The name may be empty, and must not have line breaks. */
  export function make(data: string, name: string = ""): Uint8Array {
    const out: u8[] = [];
    const end = encodeUtf8("\n");
    if (name.length) write(out, encodeUtf8("event"), encodeUtf8(name), end);
    write(out, encodeUtf8("data"), encodeUtf8(data), end);
    out.push(LF);
    return taken(out);
  }
}
