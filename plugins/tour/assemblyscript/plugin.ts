// A tour of what a plugin can do, the same in every language.

import {
  Fate,
  Field,
  OutgoingRequest,
  Rewriter,
  Unit,
  Verdict,
  client,
  emitBytes,
  encodeUtf8,
  events,
  exchange,
  fail,
  log,
  metrics,
  onRequest,
  onResponse,
  onResponseBody,
  onStart,
  replaceJson,
  request,
  response,
  settings,
  state,
  timer,
} from "./tollgate";

const LOOKUP_TIMEOUT_MS: u32 = 2000;
const HELLO = encodeUtf8("hello");

// The settings, which are read when an instance starts.
let mark = "none";
let windowSeconds = 0;
let delayMs = 0;
let lookup: string | null = null;

onStart(() => {
  mark = settings.getOr("mark", "none");
  const window = settings.get("window");
  if (window !== null) {
    windowSeconds = whole(window);
    if (windowSeconds < 1 || windowSeconds > 86400) {
      fail("window: expected whole seconds from 1 to 86400");
      return;
    }
  }
  const delay = settings.get("delay");
  if (delay !== null) {
    delayMs = whole(delay);
    if (delayMs < 0 || delayMs > 60000) {
      fail("delay: expected whole milliseconds from 0 to 60000");
      return;
    }
  }
  const url = settings.get("lookup");
  if (url !== null && !url.startsWith("http://") && !url.startsWith("https://")) {
    fail("lookup: expected a URL with http or https");
    return;
  }
  lookup = url;
  metrics.describe("tour_responses", "Responses by class of status");
  metrics.describe("tour_stream_events", "Events of a stream", [1, 10, 100, 1000]);
});

/** A number in at most five decimal digits; -1 if it is none. */
function whole(text: string): i32 {
  if (text.length == 0 || text.length > 5) return -1;
  let number = 0;
  for (let i = 0; i < text.length; i++) {
    const digit = text.charCodeAt(i) - 0x30;
    if (digit < 0 || digit > 9) return -1;
    number = 10 * number + digit;
  }
  return number;
}

onRequest(() => {
  log.info("forward " + request.method + " " + request.target);
  if (request.setField("x-tour", mark)) return fail("x-tour: refused");
  if (request.path == "/tour") return response.answer(200, "text/plain; charset=utf-8", "tour: " + mark + "\n");
  if (windowSeconds && request.setField("x-tour-count", count())) return fail("x-tour-count: refused");
  if (delayMs) timer.sleep(delayMs);
  const url = lookup;
  if (url !== null && request.setFieldBytes("x-tour-lookup", lookUp(url))) return fail("x-tour-lookup: refused");
  return Verdict.Forward;
});

/** How many requests the client has sent in its window, or `unknown`. */
function count(): string {
  const address = exchange.clientAddress();
  const key = "count " + address.substring(0, address.lastIndexOf(":"));
  const counted = state.increment(key, 1, 1000 * windowSeconds);
  if (counted.ok) return counted.sum.toString();
  log.warn("count: " + counted.reason);
  return "unknown";
}

/** What a server says, or `failed`. */
function lookUp(url: string): Uint8Array {
  const question = new OutgoingRequest("GET", url);
  question.fields = [Field.of("x-tour", mark)];
  question.timeoutMs = LOOKUP_TIMEOUT_MS;
  const sent = client.send(question);
  if (sent.ok && sent.status == 200) return sent.body;
  log.warn(sent.ok ? "lookup: status " + sent.status.toString() : "lookup: " + sent.reason);
  return encodeUtf8("failed");
}

onResponse(() => {
  if (response.setField("x-tour", mark)) {
    fail("x-tour: refused");
    return;
  }
  if (hasType("application/json")) greet();
  const status = response.status;
  metrics.add("tour_responses", 1, [Field.of("class", (status / 100).toString() + "xx")]);
  log.info("return " + status.toString());
});

function hasType(start: string): bool {
  const mediaType = response.field("content-type");
  return mediaType !== null && mediaType.startsWith(start);
}

/** Puts the mark into the body's member `greeting`. */
function greet(): void {
  const body = response.body();
  if (!body.ok) {
    log.warn("body: not available");
    return;
  }
  const replaced = replaceJson(body.bytes, "greeting", mark);
  if (replaced) response.setBodyBytes(replaced);
}

/** In event streams a greeting becomes the mark. */
class Greetings extends Rewriter {
  count: i32 = 0;

  constructor() {
    super();
    this.unit = Unit.Events;
    this.decoded = true;
  }

  piece(event: Uint8Array): Fate {
    this.count++;
    const data = events.data(event);
    if (!data || !startsWithHello(data)) return Fate.Keep;
    const start = encodeUtf8(mark);
    const rest = data.subarray(HELLO.length);
    const marked = new Uint8Array(start.length + rest.length);
    marked.set(start);
    marked.set(rest, start.length);
    emitBytes(events.withData(event, marked));
    return Fate.Replace;
  }

  end(): void {
    metrics.observe("tour_stream_events", this.count);
  }
}

function startsWithHello(data: Uint8Array): bool {
  if (data.length < HELLO.length) return false;
  for (let i = 0; i < HELLO.length; i++) if (data[i] != HELLO[i]) return false;
  return true;
}

onResponseBody(() => (hasType("text/event-stream") ? new Greetings() : null));
