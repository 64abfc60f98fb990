// Write plugins for tollgate, the HTTP proxy, in JavaScript or TypeScript: one import for the whole contract.

/// <reference path="./contract.d.ts" />

export { answer, plugin } from './plugin.js';
export { request } from './request.js';
export { response } from './response.js';
export { exchange } from './exchange.js';
export { settings } from './settings.js';
export { log } from './log.js';
export { BodyError, FieldError } from './errors.js';
export { quoteJson, replaceJsonMember } from './json.js';
export { decodeUtf8, encodeUtf8 } from './utf8.js';
