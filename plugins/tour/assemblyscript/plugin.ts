// A tour of what a plugin can do, the same in every language.

import { Verdict, fail, log, onRequest, onResponse, replaceJson, request, response, settings } from "./tollgate";

onRequest(() => {
  log.info("forward " + request.method + " " + request.target);
  const mark = settings.getOr("mark", "none");
  if (request.setField("x-tour", mark)) return fail("x-tour: refused");
  if (request.path != "/tour") return Verdict.Forward;
  return response.answer(200, "text/plain; charset=utf-8", "tour: " + mark + "\n");
});

onResponse(() => {
  const mark = settings.getOr("mark", "none");
  if (response.setField("x-tour", mark)) {
    fail("x-tour: refused");
    return;
  }
  const mediaType = response.field("content-type");
  if (mediaType && mediaType.startsWith("application/json")) greet(mark);
  log.info("return " + response.status.toString());
});

/** Puts the mark into the body's member `greeting`. */
function greet(mark: string): void {
  const body = response.body();
  if (!body.ok) {
    log.warn("body: not available");
    return;
  }
  const replaced = replaceJson(body.bytes, "greeting", mark);
  if (replaced) response.setBodyBytes(replaced);
}
