"""What the helper does in the real interpreter: each path is one thing. The numbers of lines are in the cases."""

import json
import random as library
import time
import urllib.request
import uuid

from tollgate import (
    BackendError,
    Body,
    Error,
    Fate,
    Plugin,
    SendError,
    StateError,
    Wish,
    answer,
    backends,
    client,
    emit,
    events,
    now,
    random,
    request,
    response,
    settings,
    state,
    timer,
)

DRAWN, BUILT = library.random(), time.time()


def deep():
    try:
        return json.loads("{")  # line 37
    except ValueError as error:
        raise KeyError("bad") from error  # line 39


def forgotten():
    answer(403)


def network():
    try:
        urllib.request.urlopen("http://127.0.0.1:9/")
    except OSError as error:
        raise Error(f"{error.reason}") from None


def drawn():
    numbers = [library.random(), library.random(), random(), DRAWN]
    fits = all(0 <= number < 1 for number in numbers) and len(set(numbers)) == 4 and uuid.uuid4() != uuid.uuid4()
    return answer(text=f"{fits}")


def draw():
    return answer(text=f"{library.random()} {random()} {uuid.uuid4()} {now()}")


def clock():
    return answer(text=f"{abs(now() - time.time() * 1000) < 10_000 and time.time() != BUILT}")


def query():
    request.set_field("x-query", f"{request.query_param('q')} {request.cookie('a')}")
    request.path = "/c%20d"


def kept():
    counts = [state.increment("n", ttl=60), state.increment("n", 5)]
    state.set("text", "é")
    swapped = state.compare_and_swap("text", "é", "é")
    try:
        state.increment("text")
    except StateError as error:
        timer.sleep(0.001)
        found = f"{state.get('none')} {state.get_text('text')} {swapped} {state.keys()} {error.reason}"
        return answer(text=f"{counts[0]} {counts[1]} {found}")


def sent():
    user = client.get("http://example.com/user", fields={"accept": "application/json"})
    found = f"{user.json()['name']} {user.field('Content-Type')}"
    try:
        client.post("http://example.com/", json={"a": 1})
    except SendError as error:
        requests = [client.request("GET", f"http://example.com/{path}", timeout=1) for path in ("other", "user")]
        late, missing = client.send_all(requests)
        return answer(text=f"{found} {error.reason} {late.reason} {missing.status}")


def chosen():
    before = backends.current()
    backends.choose("users")
    try:
        backends.choose("nobody")
    except BackendError as error:
        request.set_field("x-backend", f"{before} {backends.current()} {error.reason}")


PATHS = {
    "/backend": chosen,
    "/deep": deep,
    "/forgotten": forgotten,
    "/network": network,
    "/random": drawn,
    "/drawn": draw,
    "/time": clock,
    "/state": kept,
    "/client": sent,
    "/events": lambda: None,
    "/forgets": lambda: None,
    "/query": query,
}


class Interceptor(Plugin):
    def start(self):
        self.suffix = settings.get("suffix", "")

    def tick(self):
        if state.increment("ticks") == 2:
            raise Error("not now")

    def forward_request(self):
        request.accept_identity()
        return PATHS[request.path]()

    def return_response(self):
        if request.path not in PATHS:
            response.map_text(lambda text: text + settings.get("suffix", ""))


class ResponseBody(Body):
    def begin(self):
        self.count = 0
        return Wish("events", decoded=True) if request.path in ("/events", "/forgets") else None

    def piece(self, event):
        if request.path == "/forgets":
            return None
        self.count += 1
        data = events.data(event)
        return Fate.KEEP if data is None else events.with_data(event, data + self.plugin.suffix.encode())

    def end(self):
        emit(events.event(str(self.count)))
