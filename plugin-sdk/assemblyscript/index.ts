// What a plugin imports: `import { onRequest, request, Verdict } from "./tollgate";`

export { Verdict, fail, onRequest, onResponse, onStart } from "./hooks";
export { Fate, Rewriter, Unit, emit, emitBytes, onRequestBody, onResponseBody } from "./body";
export { events } from "./events";
export { OutgoingRequest, Sent, StateResult, client, metrics, state, timer } from "./services";
export { Field, Pair, FieldError, FieldErrorKind, Body, BodyErrorKind } from "./types";
export { Request, Response, request, response } from "./message";
export { exchange, settings, log } from "./exchange";
export { isJson, quoteJson, replaceJson } from "./json";
export { decodeUtf8, encodeUtf8, isUtf8 } from "./utf8";
export { replaceBytes } from "./bytes";
export { decodeUrl, encodeUrl } from "./url";
export { now, random, randomBytes } from "./chance";
