"""What the helper does in the real interpreter: each path is one thing. The numbers of lines are in the cases."""

import json
import random as library
import time
import urllib.request
import uuid

from tollgate import Error, Plugin, answer, now, random, request, response, settings

DRAWN, BUILT = library.random(), time.time()


def deep():
    try:
        return json.loads("{")  # line 16
    except ValueError as error:
        raise KeyError("bad") from error  # line 18


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


PATHS = {
    "/deep": deep,
    "/forgotten": forgotten,
    "/network": network,
    "/random": drawn,
    "/drawn": draw,
    "/time": clock,
    "/query": query,
}


class Interceptor(Plugin):
    def forward_request(self):
        request.accept_identity()
        return PATHS[request.path]()

    def return_response(self):
        if request.path not in PATHS:
            response.map_text(lambda text: text + settings.get("suffix", ""))
