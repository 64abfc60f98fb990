// Write plugins for tollgate, the HTTP proxy, in JavaScript or TypeScript: one import for the whole contract.

/// <reference path="./contract.d.ts" />
/// <reference path="./globals.d.ts" />

import './globals.js';

export { answer, plugin } from './plugin.js';
export { request } from './request.js';
export { response } from './response.js';
export { exchange } from './exchange.js';
export { settings } from './settings.js';
export { log } from './log.js';
export { BackendError, BodyError, FieldError, SendError, StateError } from './errors.js';
export { emit, KEEP, REPLACE, rewriter, STOP } from './body.js';
export { ticker } from './background.js';
export * as events from './events.js';
// What a plugin doesn't name is not in its bundle, so it is not imported, and needs no permission.
export * as backends from './backends.js';
export * as client from './client.js';
export * as metrics from './metrics.js';
export * as state from './state.js';
export * as timer from './timer.js';
export { quoteJson, replaceJsonMember } from './json.js';
export { random } from './random.js';
export { timingSafeEqual, urlDecode, urlEncode } from './url.js';
export { decodeUtf8, encodeUtf8 } from './utf8.js';

/**
 * The time of day in milliseconds since 1970, as `Date.now()`.
 *
 * @returns {number}
 */
export const now = () => Date.now();
