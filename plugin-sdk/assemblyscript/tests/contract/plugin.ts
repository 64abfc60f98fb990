// Does what a case asks for by its setting `do`. The plugins of this name in the other languages do the same.

import {
  Fate, Field, FieldError, OutgoingRequest, Rewriter, Sent, Unit, Verdict, client, decodeUrl, decodeUtf8, emit, emitBytes, encodeUrl,
  encodeUtf8, events, fail, log, metrics, now, onRequest, onResponse, onResponseBody, onStart, random, randomBytes, request, response,
  settings, state, timer,
} from "./tollgate";

/** Settings can be read at the top level. */
const atTheTop = settings.getOr("do", "");

onRequest(() => {
  const what = settings.getOr("do", "");
  if (what == "helpers") useHelpers();
  if (what == "services") useServices();
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

/** What the case services asks for. */
function useServices(): void {
  tell("get none", state.get("none").text());
  tell("get text", state.get("text").text());
  state.set("kept", "x");
  tell("increment", state.increment("n", 5).sum.toString());
  tell("increment", state.increment("n", -8).sum.toString());
  tell("increment text", state.increment("text", 1, 60000).message);
  swap(encodeUtf8("hello"), null);
  swap(null, encodeUtf8("new"));
  swap(encodeUtf8("no"), encodeUtf8("x"));
  for (let round = 0; round < 2; round++) tell("delete", state.remove("kept").is ? "yes" : "no");
  const keys = state.keys("", null, 10).keys;
  for (let i = 0; i < keys.length; i++) tell("key", keys[i]);

  const got = client.get("http://example.com/ok");
  tell("status", got.ok ? got.status.toString() : got.message);
  tell("x-a", got.field("x-a"));
  tell("x-none", got.field("x-none"));
  tell("body", got.text());
  const down = new OutgoingRequest("POST", "http://example.com/down");
  down.fields.push(Field.of("x-b", "2"));
  down.body = encodeUtf8("b");
  down.timeoutMs = 5;
  tellSent("error", client.send(down));
  const all = client.sendAll([new OutgoingRequest("GET", "http://example.com/ok"), down]);
  for (let i = 0; i < all.length; i++) tellSent("all", all[i]);
  timer.sleep(1);
  metrics.add("served_total", 2, [Field.of("kind", "a")]);
}

function swap(expected: Uint8Array | null, new_: Uint8Array | null): void {
  tell("swap", state.compareAndSwap("text", expected, new_, 1500).is ? "yes" : "no");
}

function tellSent(what: string, sent: Sent): void {
  tell(what, sent.ok ? sent.status.toString() : sent.reason);
}

onStart(() => {
  if (settings.getOr("do", "") == "refuse") fail("setting do is refuse");
});

/** For the cases of bodies that flow. */
class Numbered extends Rewriter {
  events: i32 = 0;

  constructor(public what: string) {
    super();
    this.unit = what == "events" ? Unit.Events : Unit.Lines;
    this.decoded = what == "events";
  }

  piece(piece: Uint8Array): Fate {
    if (this.what == "fail") {
      fail("no such line");
      return Fate.Keep;
    }
    if (this.what == "stop") {
      if (decodeUtf8(piece) != "two\n") return Fate.Keep;
      emit("last");
      return Fate.Stop;
    }
    const data = events.data(piece);
    if (!data) return Fate.Keep;
    this.events++;
    emitBytes(events.withData(piece, encodeUtf8(this.events.toString() + "\n" + decodeUtf8(data))));
    return Fate.Replace;
  }

  end(): void {
    if (this.events) emitBytes(events.make("end"));
  }
}

onResponseBody(() => {
  const what = settings.getOr("do", "");
  return what == "events" || what == "stop" || what == "fail" ? new Numbered(what) : null;
});
