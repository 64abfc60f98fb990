"""The tour of the contract, the same in every language: settings, fields, an answer, JSON, event streams, state, a call, metrics."""

import re

from tollgate import (
    Body,
    BodyError,
    Error,
    Fate,
    FieldError,
    Plugin,
    Wish,
    answer,
    client,
    events,
    exchange,
    log,
    metrics,
    quote_json,
    replace_json_member,
    request,
    response,
    settings,
    state,
    timer,
)

LOOKUP_TIMEOUT = 2.0


class Interceptor(Plugin):
    def start(self):
        self.mark = settings.get("mark", "none")
        self.window = whole("window", "seconds", 1, 86400)
        self.delay = whole("delay", "milliseconds", 0, 60000)
        self.lookup = settings.get("lookup")
        if self.lookup is not None and not self.lookup.startswith(("http://", "https://")):
            raise Error("lookup: expected a URL with http or https")
        metrics.describe("tour_responses", "Responses by class of status")
        metrics.describe("tour_stream_events", "Events of a stream", [1, 10, 100, 1000])

    def forward_request(self):
        log.info(f"forward {request.method} {request.target}")
        set_field(request, "x-tour", self.mark)
        if request.path == "/tour":
            return answer(text=f"tour: {self.mark}\n")
        if self.window:
            set_field(request, "x-tour-count", count(self.window))
        if self.delay:
            timer.sleep(self.delay / 1000)
        if self.lookup:
            set_field(request, "x-tour-lookup", self.look_up())

    def look_up(self):
        """What a server says, or ``failed``."""
        try:
            found = client.get(self.lookup, fields={"x-tour": self.mark}, timeout=LOOKUP_TIMEOUT)
        except client.SendError as error:
            log.warn(f"lookup: {error.reason}")
            return "failed"
        if found.status != 200:
            log.warn(f"lookup: status {found.status}")
            return "failed"
        return found.body

    def return_response(self):
        set_field(response, "x-tour", self.mark)
        if has_type("application/json"):
            edit_greeting(self.mark)
        metrics.add("tour_responses", **{"class": f"{response.status // 100}xx"})
        log.info(f"return {response.status}")


class ResponseBody(Body):
    """In event streams a greeting becomes the mark."""

    def begin(self):
        self.events = 0
        return Wish("events", decoded=True) if has_type("text/event-stream") else None

    def piece(self, event):
        self.events += 1
        data = events.data(event)
        if data is None or not data.startswith(b"hello"):
            return Fate.KEEP
        return events.with_data(event, self.plugin.mark.encode() + data.removeprefix(b"hello"))

    def end(self):
        metrics.observe("tour_stream_events", self.events)


def whole(key, unit, least, most):
    """A setting that is a number in at most five decimal digits; None if it is not set."""
    text = settings.get(key)
    if text is None:
        return None
    if re.fullmatch("[0-9]{1,5}", text) and least <= int(text) <= most:
        return int(text)
    raise Error(f"{key}: expected whole {unit} from {least} to {most}")


def count(window):
    """How many requests the client has sent in its window, or ``unknown``."""
    host = exchange.client_address.rpartition(":")[0]
    try:
        return str(state.increment(f"count {host}", ttl=window))
    except state.StateError as error:
        log.warn(f"count: {error.reason}")
        return "unknown"


def set_field(message, name, value):
    try:
        message.set_field(name, value)
    except FieldError:
        raise Error(f"{name}: refused") from None


def has_type(start):
    return (response.field("content-type") or "").startswith(start)


def edit_greeting(mark):
    try:
        body = response.body()
    except BodyError:
        log.warn("body: not available")
        return
    edited = replace_json_member(body, "greeting", quote_json(mark))
    if edited is not None:
        response.set_body(edited)
