// Does what a case asks for by its setting `do`. The plugins of this name in the other languages do the same.

import {
  FieldError, Verdict, decodeUrl, encodeUrl, log, now, onRequest, onResponse, random, randomBytes, request, response, settings,
} from "./tollgate";

/** Settings can be read at the top level. */
const atTheTop = settings.getOr("do", "");

onRequest(() => {
  const what = settings.getOr("do", "");
  if (what == "helpers") useHelpers();
  if (what == "standard") useStandard();
  if (what == "forget answer") response.answer(403, "text/plain", "no\n");
  return Verdict.Forward;
});

onResponse(() => {
  if (settings.getOr("do", "") == "helpers") tell("response encoded", response.isEncoded ? "yes" : "no");
});

function useHelpers(): void {
  tell("query", request.query);
  tell("param a", request.queryParam("a"));
  const params = request.queryParams();
  for (let i = 0; i < params.length; i++) tell("param", params[i].name + "=" + params[i].value);
  const names = ["b", "c", "d", "", "none"];
  for (let i = 0; i < names.length; i++) tell("param " + names[i], request.queryParam(names[i]));
  tell("cookie a", request.cookie("a"));
  tell("cookie none", request.cookie("none"));
  const cookies = request.cookies();
  for (let i = 0; i < cookies.length; i++) tell("cookie", cookies[i].name + "=" + cookies[i].value);
  tell("encode", encodeUrl("a b/\u00fc+%-._~\0"));
  tell("decode", decodeUrl("%41+%2f%zz%4%"));
  tell("wrong path", request.setPath("/a?b") ? "refused" : "ok");
  tellError("set-path", request.setPath("/new"));
  tellError("accept-identity", request.acceptIdentity());
  tell("encoded", request.isEncoded ? "yes" : "no");
  tell("random", random() != random() ? "differs" : "is the same");
  tell("random bytes", randomBytes(8).length.toString());
  tell("now", now() > 100_000_000_000 ? "in milliseconds" : now().toString());
}

/** What the language itself has for time, chance and printing. */
function useStandard(): void {
  tell("setting at the top", atTheTop);
  tell("Math.random", Math.random() != Math.random() ? "differs" : "is the same");
  tell("Date.now", Date.now() > 100_000_000_000 ? "in milliseconds" : Date.now().toString());
  tell("new Date", new Date(Date.now()).getUTCFullYear() > 1999 ? "this century" : "long ago");
  const bytes = new Uint8Array(4);
  crypto.getRandomValues(bytes);
  tell("crypto", bytes[0] | bytes[1] | bytes[2] | bytes[3] ? "filled" : "empty");
  trace("a trace");
  trace("with numbers", 2, 1, 2.5);
  console.log("a line");
  console.error("an error");
  console.assert(false, "never mind");
}

function tell(what: string, text: string | null): void {
  log.info(what + ": " + (text === null ? "absent" : text));
}

function tellError(what: string, error: FieldError | null): void {
  tell(what, error ? error.message : "ok");
}
