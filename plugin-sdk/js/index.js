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
export { BodyError, FieldError } from './errors.js';
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
