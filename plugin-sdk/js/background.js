// Work that no exchange asks for.

import { failing } from './failing.js';
import { made } from './made.js';
import { kind } from './message.js';

/**
 * Makes what a plugin exports of background work: `export const background = ticker(() => { … })`.
 *
 * The host calls `tick` as soon as a version of the plugin serves, and then at the interval `background.every` of its configuration, on an
 * instance of its own: what it finds out is passed to the hooks by `state`. What it throws is logged, and the host waits longer then.
 *
 * @param {() => void} tick
 * @returns {{ tick: () => void }}
 */
export function ticker(tick) {
  if (typeof tick !== 'function') throw new Error(`ticker(…) takes a function, got ${kind(tick)}`);
  const exported = {
    tick() {
      failing(() => {
        const returned = /** @type {unknown} */ (tick());
        if (returned === undefined) return;
        const isPromise = typeof (/** @type {any} */ (returned)?.then) === 'function';
        throw new Error(
          isPromise
            ? 'tick returned a promise: it is not async, host functions wait by themselves'
            : `tick returned ${kind(returned)}: expected nothing`,
        );
      });
    },
  };
  made.add(exported);
  return exported;
}
