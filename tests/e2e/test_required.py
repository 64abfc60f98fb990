"""A plugin that the configuration names and that does not serve: 503 over HTTP/2 and behind standard components too."""

import pytest
from harness.config import configured  # noqa: F401
from harness.origin import answer
from harness.standard import MIDDLEWARE, PROXY, SERVICE, Plugin, chained, mark, standard  # noqa: F401

OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"
MISSING = 'tollgate; error=proxy_configuration_error; details="plugin auth is required and no version of it serves"'


def test_over_http2(configured, origin, http2):  # noqa: F811
    """Streams of one connection: those that it would take part in, and others."""
    backend = origin(answer(OK))
    auth = {"auth": {"match": {"path": "/api/**", "host": "*.test"}}}
    connection = http2(configured({"backend": backend.url, "plugin": auth}))
    for path, host, status in [
        ("/api", "a.test", 503),
        ("/other", "a.test", 200),
        ("/%61pi", "A.Test", 503),
        ("/api", "a.test:80", 503),
        ("/x/../api", "a.test.", 503),
        ("/api", "a.other", 200),
    ]:
        message = connection.request("GET", path, authority=host).message()
        assert message.status == status, (path, host)
        assert (message.get("proxy-status") == MISSING) == (status == 503)


@pytest.mark.parametrize("kind", [MIDDLEWARE, SERVICE, PROXY])
def test_behind_a_standard_component(chained, origin, connect, kind):  # noqa: F811
    """What comes next for the component begins with the missing plugin: it gets an error and no answer of the backend."""
    backend = origin(answer(OK))
    plugins = {"a": mark("frst"), "foreign": standard(kind), "auth": Plugin(".wat", None)}
    proxy = chained(backend.url, plugins)
    response = connect(proxy).request("GET", "/")
    assert response.status >= 500
    assert backend.connections == 0


@pytest.mark.parametrize("kind", [MIDDLEWARE, SERVICE, PROXY])
def test_in_the_place_of_a_standard_component(chained, origin, connect, kind):  # noqa: F811
    """One that is not allowed to run, and one whose file is broken."""
    backend = origin(answer(OK))
    broken = Plugin(".wasm", standard(kind).content[:5000])
    for plugin, arguments in [(standard(kind), ()), (broken, ("--standard-components",))]:
        response = connect(chained(backend.url, {"foreign": plugin}, arguments=arguments)).request("GET", "/")
        assert response.status == 503
        assert "plugin foreign is required" in response.get("proxy-status")
    assert backend.connections == 0
