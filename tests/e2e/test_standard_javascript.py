"""Components that componentize-js makes of plain `fetch` handlers, built by tests/stock/js/build.sh from the registry."""

import random

from harness.origin import answer
from harness.standard import chained, mark, standard  # noqa: F401

OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nx-backend: 1\r\n\r\nok"


def test_it_answers(chained, origin, connect):  # noqa: F811
    backend = origin(answer(OK))
    proxy = chained(backend.url, {"a": mark("frst"), "js": standard("stock-js-answer"), "z": mark("last")})
    response = connect(proxy).request("GET", "/some/path?chunks=3")
    assert (response.status, response.get("x-stock")) == (200, "answer")
    assert response.body == b"GET /some/path\n" * 3
    assert response.all("x-mark") == ["frst"], "what comes after it is not asked"
    assert backend.connections == 0


def test_its_body_streams(chained, origin, connect):  # noqa: F811
    proxy = chained(origin(answer(OK)).url, {"js": standard("stock-js-answer")})
    response = connect(proxy).request("GET", "/?chunks=5000")
    assert response.body == b"GET /\n" * 5000
    sent = random.Random(1).randbytes(200_000)
    response = connect(proxy).request("POST", "/echo", body=sent)
    assert (response.status, response.get("x-method")) == (203, "POST")
    assert response.body == sent


def test_what_it_throws_hurts_nobody_else(chained, origin, connect):  # noqa: F811
    proxy = chained(origin(answer(OK)).url, {"js": standard("stock-js-answer")})
    assert connect(proxy).request("GET", "/throw").status >= 500
    assert connect(proxy).request("GET", "/after").body == b"GET /after\n"


def test_it_sends_on_what_it_gets(chained, origin, connect):  # noqa: F811
    requests = []
    backend = origin(answer(OK, requests))
    proxy = chained(backend.url, {"a": mark("frst"), "js": standard("stock-js-forward"), "z": mark("last")})
    response = connect(proxy).request("POST", "/a%2Fb?c=d", "x-mine: 1", body=b"the body")
    assert (response.status, response.body) == (200, b"ok")
    assert response.all("x-stock") == ["forward"]
    assert response.all("x-mark") == ["last", "frst"], "it is between the two"
    (seen,) = requests
    assert seen.start.startswith("POST /a%2Fb?c=d "), "the target is raw"
    assert (seen.get("x-stock"), seen.get("x-mine"), seen.body) == ("forward", "1", b"the body")
