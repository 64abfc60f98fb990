// Waiting.

/// <reference path="./contract.d.ts" />

import * as timerInterface from 'tollgate:proxy/timer@0.1.0';
import { guarded } from './host.js';
import { milliseconds, toInteger } from './numbers.js';

const host = guarded(timerInterface, 'timer');

/**
 * Waits for so many milliseconds, without blocking the host. A call of a hook may wait at most 120 seconds in all.
 *
 * @param {number} ms
 */
export function sleep(ms) {
  host.sleep(toInteger(milliseconds(ms, 'timer.sleep')));
}
