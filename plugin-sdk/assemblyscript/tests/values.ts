// The functions that need no host, for tests/run.mjs to call.

export { replaceBytes } from "../bytes";
export { isJson, quoteJson, replaceJson } from "../json";
export { decodeUtf8, encodeUtf8, isUtf8 } from "../utf8";
export { decodeUrl, encodeUrl, isCoding } from "../url";
