// JSON (RFC 8259) without a tree: is it valid, and where does a member's value stand. To read and make JSON as objects
// take a package from npm, json-as for example.

import { encodeUtf8, isUtf8 } from "./utf8";

/** How many objects and arrays may be open at once. */
const MAX_NESTING = 128;

/** Whether this is one JSON text in UTF-8, no more than 128 levels deep. */
export function isJson(text: Uint8Array): bool {
  return isUtf8(text) && new Scanner(text, null).text();
}

/**
 * The body with the value of the first top-level member of this name replaced by a string, every other byte as it was.
 * Null if nothing was replaced: there is no such member, the top is not an object, or the body is not JSON. The name is
 * compared as it is written between its quotes.
 */
export function replaceJson(body: Uint8Array, name: string, value: string): Uint8Array | null {
  const scanner = new Scanner(body, encodeUtf8(name));
  if (!isUtf8(body) || !scanner.text() || scanner.valueStart < 0) return null;
  const fresh = encodeUtf8(quoteJson(value));
  const replaced = new Uint8Array(body.length - (scanner.valueEnd - scanner.valueStart) + fresh.length);
  replaced.set(body.subarray(0, scanner.valueStart));
  replaced.set(fresh, scanner.valueStart);
  replaced.set(body.subarray(scanner.valueEnd), scanner.valueStart + fresh.length);
  return replaced;
}

/** A string as JSON with the fewest escapes: the quote, the backslash and control characters. */
export function quoteJson(value: string): string {
  const parts: string[] = ['"'];
  let done = 0;
  for (let i = 0; i < value.length; i++) {
    const unit = value.charCodeAt(i);
    if (unit >= 0x20 && unit != 0x22 && unit != 0x5c) continue;
    parts.push(value.substring(done, i));
    parts.push(unit < 0x20 ? "\\u00" + hexDigit(unit >> 4) + hexDigit(unit & 15) : "\\" + value.charAt(i));
    done = i + 1;
  }
  parts.push(value.substring(done));
  parts.push('"');
  return parts.join("");
}

function hexDigit(value: i32): string {
  return "0123456789abcdef".charAt(value);
}

/** Walks over a JSON text. Each method takes what it is named after from where it stands, or says false. */
class Scanner {
  /** Where the value of the wanted member stands, or -1. */
  valueStart: i32 = -1;
  valueEnd: i32 = -1;
  private at: i32 = 0;
  private depth: i32 = 0;

  constructor(
    private input: Uint8Array,
    private wanted: Uint8Array | null,
  ) {}

  text(): bool {
    if (!this.value()) return false;
    this.skipSpace();
    return this.at == this.input.length;
  }

  /** The byte where it stands, -1 behind the end. */
  private peek(): i32 {
    return this.at < this.input.length ? this.input[this.at] : -1;
  }

  private take(byte: i32): bool {
    if (this.peek() != byte) return false;
    this.at++;
    return true;
  }

  private skipSpace(): void {
    let byte = this.peek();
    while (byte == 0x20 || byte == 0x09 || byte == 0x0a || byte == 0x0d) {
      this.at++;
      byte = this.peek();
    }
  }

  private value(): bool {
    this.skipSpace();
    switch (this.peek()) {
      case 0x7b: // {
        return this.object();
      case 0x5b: // [
        return this.array();
      case 0x22: // "
        return this.string();
      case 0x74: // t
        return this.word("true");
      case 0x66: // f
        return this.word("false");
      case 0x6e: // n
        return this.word("null");
      default:
        return this.number();
    }
  }

  private object(): bool {
    this.at++;
    if (++this.depth > MAX_NESTING) return false;
    this.skipSpace();
    if (!this.take(0x7d)) {
      do {
        if (!this.member()) return false;
        this.skipSpace();
      } while (this.take(0x2c));
      if (!this.take(0x7d)) return false;
    }
    this.depth--;
    return true;
  }

  private member(): bool {
    this.skipSpace();
    const nameStart = this.at;
    if (!this.string()) return false;
    const isWanted = this.depth == 1 && this.valueStart < 0 && this.isName(nameStart + 1, this.at - 1);
    this.skipSpace();
    if (!this.take(0x3a)) return false;
    this.skipSpace();
    const start = this.at;
    if (!this.value()) return false;
    if (isWanted) {
      this.valueStart = start;
      this.valueEnd = this.at;
    }
    return true;
  }

  private isName(start: i32, end: i32): bool {
    const wanted = this.wanted;
    if (!wanted || end - start != wanted.length) return false;
    return memory.compare(this.input.dataStart + start, wanted.dataStart, wanted.length) == 0;
  }

  private array(): bool {
    this.at++;
    if (++this.depth > MAX_NESTING) return false;
    this.skipSpace();
    if (!this.take(0x5d)) {
      do {
        if (!this.value()) return false;
        this.skipSpace();
      } while (this.take(0x2c));
      if (!this.take(0x5d)) return false;
    }
    this.depth--;
    return true;
  }

  private string(): bool {
    if (!this.take(0x22)) return false;
    while (this.peek() >= 0x20) {
      const byte = this.peek();
      this.at++;
      if (byte == 0x22) return true;
      if (byte == 0x5c && !this.escape()) return false;
    }
    return false;
  }

  private escape(): bool {
    const byte = this.peek();
    this.at++;
    if (byte != 0x75) {
      // " \ / b f n r t
      return (
        byte == 0x22 || byte == 0x5c || byte == 0x2f || byte == 0x62 || byte == 0x66 || byte == 0x6e ||
        byte == 0x72 || byte == 0x74
      );
    }
    for (let i = 0; i < 4; i++) {
      const digit = this.peek();
      if (!isDigit(digit) && ((digit | 0x20) < 0x61 || (digit | 0x20) > 0x66)) return false;
      this.at++;
    }
    return true;
  }

  private word(word: string): bool {
    for (let i = 0; i < word.length; i++) {
      if (!this.take(word.charCodeAt(i))) return false;
    }
    return true;
  }

  private number(): bool {
    this.take(0x2d);
    if (!this.take(0x30) && !this.digits()) return false;
    if (this.take(0x2e) && !this.digits()) return false;
    if (!this.take(0x65) && !this.take(0x45)) return true;
    if (!this.take(0x2b)) this.take(0x2d);
    return this.digits();
  }

  private digits(): bool {
    const start = this.at;
    while (isDigit(this.peek())) this.at++;
    return this.at > start;
  }
}

function isDigit(byte: i32): bool {
  return byte >= 0x30 && byte <= 0x39;
}
