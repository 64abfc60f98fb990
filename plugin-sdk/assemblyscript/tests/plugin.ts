// A plugin for tests/run.mjs, which is its host.

import {
  Field, Verdict, decodeUtf8, encodeUtf8, exchange, fail, log, onRequest, onResponse, request, response, settings,
} from "../index";

export { cabi_realloc, forwardRequest, returnResponse } from "../exports";

/** Echoes what the host says, so that each function of the contract is called and its result comes back by another. */
onRequest(() => {
  const lines: string[] = [
    request.method, request.scheme, request.authority, request.target, request.path, request.query,
    exchange.id(), exchange.clientAddress(), settings.getOr("missing", "other"), settings.getOr("empty", "other"),
  ];
  const all = settings.all();
  for (let i = 0; i < all.size; i++) lines.push(all.keys()[i] + "=" + all.values()[i]);
  const fields = request.fields();
  for (let i = 0; i < fields.length; i++) lines.push(fields[i].name + ": " + fields[i].text());
  const accepted = request.fieldValues("accept");
  for (let i = 0; i < accepted.length; i++) lines.push("value " + decodeUtf8(accepted[i]));
  lines.push(request.field("absent") === null ? "absent" : "present");
  exchange.setNote("key", encodeUtf8("note"));
  const note = exchange.note("key");
  lines.push(note ? decodeUtf8(note) : "no note");
  lines.push(exchange.note("other") ? "a note" : "no note");
  const errors = [
    request.setField("bad name", ""), request.setField("x", "\n"), request.deleteField("te"),
    request.appendField("many", "x"), request.setFields([Field.of("a", "1"), Field.of("b", "\u00e9")]),
  ];
  for (let i = 0; i < errors.length; i++) {
    const error = errors[i];
    lines.push(error ? error.message : "ok");
  }
  const body = request.body();
  lines.push(body.ok ? body.text() : body.message);
  log.write(3, "test", lines.join("\n"));
  if (request.method == "FAIL") return fail("as asked: \u00e9");
  return request.method == "ANSWER" ? response.answer(299, "text/plain", "answer") : Verdict.Forward;
});

onResponse(() => {
  const body = response.body();
  if (!body.ok) fail(body.message);
  else response.setBody(body.text() + response.status.toString());
});
