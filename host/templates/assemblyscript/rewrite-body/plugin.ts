// Replaces every occurrence of the setting `from` by the setting `to` in text and JSON.

import {
  Verdict, encodeUtf8, fail, log, onRequest, onResponse, replaceBytes, request, response, settings,
} from "./tollgate";

onRequest(() => {
  const error = request.acceptIdentity();
  return error ? fail(error.message) : Verdict.Forward;
});

onResponse(() => {
  const mediaType = response.field("content-type");
  if (mediaType === null || !(mediaType.startsWith("text/") || mediaType.startsWith("application/json"))) return;
  const from = settings.get("from");
  const to = settings.get("to");
  if (from === null || to === null) {
    fail(from === null ? "setting from is missing" : "setting to is missing");
    return;
  }
  const coding = response.field("content-encoding");
  if (response.isEncoded && coding !== null) {
    log.warn("left a body alone that is encoded: " + coding);
    return;
  }
  const body = response.body();
  if (!body.ok) {
    fail(body.message);
    return;
  }
  const replaced = replaceBytes(body.bytes, encodeUtf8(from), encodeUtf8(to));
  if (replaced) response.setBodyBytes(replaced);
});
