"""The access log: a line for each exchange, however it ended; nothing in a request forges one; the file may be renamed."""

import json
import re

import pytest
from harness.origin import answer
from harness.waiting import until

OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\netag: \"v1\"\r\n\r\nok"

COMBINED = re.compile(
    r'127\.0\.0\.1 - - \[\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d \+0000\] "([^"]*)" (\d+) (\d+) "([^"]*)" "([^"]*)"'
)


@pytest.fixture
def logged(tollgate, origin, tmp_path):
    """Starts a proxy with an access log: logged(format) gives it and the log's path."""
    path = tmp_path / "access.log"

    def start(form=None, backend=None):
        config = "" if form is None else f"[access-log]\nformat = '{form}'\n"
        backend = backend or origin(answer(OK)).url
        return tollgate(backend, {"mark": {}}, config=config, arguments=["--access-log", path]), path

    return start


def lines(path, count):
    """The lines of a log, as soon as there are so many."""

    def found():
        text = path.read_text() if path.exists() else ""
        assert text.count("\n") <= count, text
        return text.count("\n") == count and text.splitlines()

    return until(found, f"{path} has {count} lines")


def test_combined_is_the_default_and_hides_credentials(logged, connect):
    proxy, path = logged()
    client = connect(proxy)
    target = "/a?b=c&access_token=secret"
    assert client.request("GET", target, "user-agent: e2e", "referer: http://r.test/").status == 200
    (line,) = lines(path, 1)
    match = COMBINED.fullmatch(line)
    assert match, line
    assert match.groups() == ("GET /a?b=c&access_token=[masked] HTTP/1.1", "200", "2", "http://r.test/", "e2e")


def test_json_says_who_took_part(logged, connect):
    proxy, path = logged("json")
    assert connect(proxy).request("POST", "/x", body=b"12345").status == 200
    entry = json.loads(lines(path, 1)[0])
    assert (entry["method"], entry["target"], entry["status"], entry["outcome"]) == ("POST", "/x", 200, "complete")
    assert (entry["request_bytes"], entry["response_bytes"]) == (5, 2)
    assert (entry["plugins"], entry["backend"], entry["route"]) == (["mark"], "default", "/")
    assert entry["duration_us"] >= entry["backend_us"] > 0
    assert entry["error"] is None


def test_a_template_shows_fields_of_both_messages(logged, connect):
    proxy, path = logged("$status ${request_method} $http_x_tenant $sent_http_etag $sent_http_x_mark $http_authorization")
    fields = ["x-tenant: blue", "authorization: Bearer secret"]
    assert connect(proxy).request("GET", "/", *fields).status == 200
    assert lines(path, 1) == [r"200 GET blue \x22v1\x22 v000 [masked]"]


def test_no_field_forges_a_line(logged, connect):
    proxy, path = logged()
    agent = 'x" 200 0 "-" "forged\\\x1b[31m\xff'
    assert connect(proxy).request("GET", "/", f"user-agent: {agent}").status in (200, 400)
    (line,) = lines(path, 1)
    assert COMBINED.fullmatch(line), line
    assert line.isascii() and line.isprintable()


def test_errors_and_clients_that_leave_have_lines(logged, connect, origin):
    def hold(peer):
        peer.request()
        peer.send(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\nhalf")
        peer.socket.recv(1)

    proxy, path = logged("$status $outcome", backend=origin(hold).url)
    client = connect(proxy)
    client.send(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n")
    client.head()
    client.socket.close()
    assert lines(path, 1) == ["200 cut-off"]
    broken = connect(proxy)
    broken.send(b"GET / HTTP/1.1\r\nhost: a\r\nhost: b\r\n\r\n")
    assert broken.response().status == 400
    assert lines(path, 2)[1] == "400 http_request_error"


def test_a_renamed_file_is_left(logged, connect):
    proxy, path = logged("$uri")
    client = connect(proxy)
    assert client.request("GET", "/before").status == 200
    assert lines(path, 1) == ["/before"]
    old = path.with_suffix(".1")
    path.rename(old)
    assert client.request("GET", "/after").status == 200
    assert lines(path, 1) == ["/after"]
    assert old.read_text() == "/before\n"


def test_a_full_disk_costs_lines_and_no_requests(tollgate, connect, origin):
    proxy = tollgate(origin(answer(OK)).url, {}, arguments=["--access-log", "/dev/full"])
    client = connect(proxy)
    for _ in range(20):
        assert client.request("GET", "/").status == 200
    proxy.process.wait_for(r"access log: /dev/full can't be written", label="err")
    assert proxy.stop() == 0
    assert proxy.log().count("can't be written") == 1, "it is told once"


def test_stdout_has_the_lines_and_the_last_of_them(tollgate, connect, origin):
    proxy = tollgate(origin(answer(OK)).url, {}, arguments=["--access-log", "-"])
    client = connect(proxy)
    for number in range(50):
        assert client.request("GET", f"/{number}").status == 200
    assert proxy.stop() == 0
    written = [line for line in proxy.process.lines("out") if '"GET /' in line]
    assert [re.search(r"GET /(\d+) ", line).group(1) for line in written] == [str(n) for n in range(50)]


def test_a_file_that_cannot_be_opened_stops_the_start(tollgate, origin, tmp_path):
    with pytest.raises(AssertionError, match="ended with 1"):
        tollgate(origin(answer(OK)).url, {}, arguments=["--access-log", tmp_path / "no" / "a.log"])
