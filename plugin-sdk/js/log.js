// Lines for the host's log, which names plugin and exchange. A line costs one host call whether the host keeps it or
// not.

import { logging } from './host.js';
import { wellFormed } from './utf8.js';

/**
 * A function that writes its arguments as one line, as console.log does.
 *
 * @param {import('wasi:logging/logging@0.1.0-draft').Level} level
 * @returns {(...parts: unknown[]) => void}
 */
const at =
  (level) =>
  (...parts) =>
    logging.log(level, '', wellFormed(parts.map(show).join(' ')));

export const log = {
  trace: at('trace'),
  debug: at('debug'),
  info: at('info'),
  warn: at('warn'),
  error: at('error'),
  critical: at('critical'),
};

// QuickJS has none, and packages take it for granted.
/** @type {any} */ (globalThis).console ??= { ...log, log: log.info };

/**
 * @param {unknown} part
 * @returns {string}
 */
function show(part) {
  if (part instanceof Error) return String(part);
  if (typeof part !== 'object' || part === null) return String(part);
  try {
    return JSON.stringify(part);
  } catch {
    return String(part);
  }
}
