// Facts about the current exchange, and notes that travel with it: an instance of a plugin serves many exchanges, and
// the two hooks of one exchange may run in two instances.

import { exchange as host } from './host.js';
import { toBytes } from './message.js';
import { decodeUtf8Lossy, wellFormed } from './utf8.js';

export const exchange = {
  /** Names this exchange in logs; unique for as long as the host runs. */
  get id() {
    return host.id();
  },

  /** The address and port of the peer on the connection: `127.0.0.1:50312`. */
  get clientAddress() {
    return host.clientAddress();
  },

  /**
   * A note that this plugin or one before it left, as text; null if there is none.
   *
   * @param {string} key
   * @returns {string | null}
   */
  note(key) {
    const bytes = exchange.noteBytes(key);
    return bytes && decodeUtf8Lossy(bytes);
  },

  /**
   * A note as bytes; null if there is none.
   *
   * @param {string} key
   * @returns {Uint8Array | null}
   */
  noteBytes(key) {
    return host.note(wellFormed(String(key))) ?? null;
  },

  /**
   * Leaves a note for `returnResponse` and for later plugins. All plugins share the keys: begin yours with the
   * plugin's name unless others shall read it.
   *
   * @param {string} key
   * @param {string | Uint8Array} value
   */
  setNote(key, value) {
    host.setNote(wellFormed(String(key)), toBytes(value, `note ${key}`));
  },
};
