// Facts about the current exchange, the plugin's settings, and the host's log.

import { exchangeAbi, loggingAbi, storeAbi } from "./abi";
import { bytesAt, lower, release, result, start, tag, textAt, word } from "./memory";

export namespace exchange {
  /** Names the exchange in logs; unique for as long as the host runs. */
  export function id(): string {
    exchangeAbi.id(result);
    const text = textAt(result);
    release();
    return text;
  }

  /** The address and port of the peer on the connection: `127.0.0.1:50312`. */
  export function clientAddress(): string {
    exchangeAbi.clientAddress(result);
    const text = textAt(result);
    release();
    return text;
  }

  /**
   * A note that this plugin or one that ran earlier in the exchange left, or null. The two hooks of one exchange may run in
   * two instances, so what the second must know from the first goes into a note. All plugins share the notes: begin the
   * key with the plugin's name.
   */
  export function note(key: string): Uint8Array | null {
    const text = lower(key);
    exchangeAbi.note(start(text), text.byteLength, result);
    const note = tag(0) ? bytesAt(result + 4) : null;
    release();
    return note;
  }

  /** Leaves a note; an empty one is a note too. */
  export function setNote(key: string, value: Uint8Array): void {
    const text = lower(key);
    exchangeAbi.setNote(start(text), text.byteLength, value.dataStart, value.length);
  }
}

export namespace settings {
  /**
   * A setting of the plugin, or null when it is not set. A string is given as it is, anything else as JSON text. A host that
   * can't read its settings ends the instance.
   */
  export function get(key: string): string | null {
    const text = lower(key);
    storeAbi.get(start(text), text.byteLength, result);
    if (tag(0)) throw new Error("setting " + key + " can't be read: " + textAt(result + 8));
    const value = tag(4) ? textAt(result + 8) : null;
    release();
    return value;
  }

  /** A setting of the plugin, or another value when it is not set. */
  export function getOr(key: string, other: string): string {
    const value = get(key);
    return value === null ? other : value;
  }

  /** Every setting by its key. */
  export function all(): Map<string, string> {
    storeAbi.getAll(result);
    if (tag(0)) throw new Error("the settings can't be read: " + textAt(result + 8));
    const list = word(4);
    const count = word(8);
    const settings = new Map<string, string>();
    for (let i: u32 = 0; i < count; i++) settings.set(textAt(list + 16 * i), textAt(list + 16 * i + 8));
    release();
    return settings;
  }
}

/** Lines for the host's log, which names them by plugin and exchange. */
export namespace log {
  export function trace(message: string): void {
    write(0, "", message);
  }

  export function debug(message: string): void {
    write(1, "", message);
  }

  export function info(message: string): void {
    write(2, "", message);
  }

  export function warn(message: string): void {
    write(3, "", message);
  }

  export function error(message: string): void {
    write(4, "", message);
  }

  export function critical(message: string): void {
    write(5, "", message);
  }

  /** A line of a level, 0 (trace) to 5 (critical). The context says which part of the plugin speaks. */
  export function write(level: i32, context: string, message: string): void {
    const from = lower(context);
    const text = lower(message);
    loggingAbi.log(level, start(from), from.byteLength, start(text), text.byteLength);
  }
}
