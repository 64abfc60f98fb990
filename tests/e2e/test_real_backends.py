"""nginx, Node and Python behind one tollgate, curl before it: a client gets what the backend would have given."""

import hashlib
import json
import random
import socket
import subprocess

import pytest
from harness.backends import Nginx, Node, Python, missing
from harness.config import Configured

pytestmark = pytest.mark.skipif(bool(missing("nginx", "node", "curl")), reason="needs nginx, node and curl")

BIG = random.Random(4).randbytes(30_000_000)
TEXT = b"tollgate " * 5000


@pytest.fixture(scope="module")
def peers(tmp_path_factory):
    """The three backends, and a proxy with a route to each: /nginx, /node, /python."""
    directory = tmp_path_factory.mktemp("peers")
    directives = "gzip on; gzip_proxied any; gzip_types text/plain; dav_methods PUT DELETE;"
    nginx = Nginx(directory / "nginx", server=directives)
    (nginx.files / "nginx").mkdir()
    (nginx.files / "nginx/dir").mkdir()
    (nginx.files / "nginx/big").write_bytes(BIG)
    (nginx.files / "nginx/text").write_bytes(TEXT)
    python = Python(directory / "python")
    (python.files / "python").mkdir()
    (python.files / "python/big").write_bytes(BIG)
    started = [nginx, python, Node(directory / "node")]
    urls = dict(zip(("nginx", "python", "node"), (each.url for each in started)))
    settings = {
        "backends": {name: {"address": url} for name, url in urls.items()},
        "routes": [
            *({"path": f"/{name}", "backend": name} for name in urls),
            # Node answers with what it got, whatever the path.
            {"path": "/", "backend": "node"},
        ],
    }
    plugins = {"mark": {"name": "x-mark", "value": "seen"}}
    proxy = Configured(directory / "proxy", settings, plugins)
    yield proxy, urls
    proxy.stop()
    for each in started:
        each.stop()


class Answer:
    """What curl got: status, version, fields (the last of each name) and body."""

    def __init__(self, url, *arguments, stdin=b""):
        command = ["curl", "-sS", "--max-time", "60", "-i", *map(str, arguments), url]
        done = subprocess.run(command, capture_output=True, timeout=90, input=stdin)
        assert done.returncode == 0, done.stderr.decode()
        head, _, self.body = done.stdout.partition(b"\r\n\r\n")
        while head.split()[1].startswith(b"1"):
            head, _, self.body = self.body.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        self.version, self.status = first.split()[0], int(first.split()[1])
        self.fields = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}


@pytest.fixture
def through(peers):
    """Asks through the proxy: through("/nginx/text", "--head"). Every answer must bear the plugin's mark."""
    proxy, _ = peers

    def ask(target, *arguments, stdin=b""):
        got = Answer(proxy.url + target, *arguments, stdin=stdin or b"")
        assert got.fields.get("x-mark") == "seen", got.fields
        return got

    return ask


# Arguments of curl, by name.
VERSIONS = {"http1": ["--http1.1"], "http2": ["--http2-prior-knowledge"]}
# What the proxy may add or change, and what says when an answer was made.
PROXYS_OWN = {"x-mark", "via", "date", "connection", "keep-alive", "transfer-encoding", "server"}


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(
    "target, arguments",
    [
        ("/nginx/text", []),
        ("/nginx/text", ["--head"]),
        ("/nginx/text", ["-r", "0-99"]),
        ("/nginx/text", ["-r", "-5"]),
        ("/nginx/text", ["-r", "0-1,10-11"]),
        ("/nginx/text", ["-r", "999999-"]),
        ("/nginx/text", ["-H", "if-modified-since: Fri, 31 Dec 2100 00:00:00 GMT"]),
        ("/nginx/text", ["-H", 'if-match: "no such"']),
        ("/nginx/text", ["-H", "accept-encoding: gzip"]),
        ("/nginx/dir", []),
        ("/nginx/nothing", []),
        ("/nginx/nothing", ["--head"]),
        ("/nginx/text", ["-X", "OPTIONS"]),
        ("/redirect", []),
        ("/gzip", []),
        ("/python/nothing", []),
        ("/python/big", ["--head"]),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else value,
)
def test_an_answer_is_the_backends(through, peers, target, arguments, version):
    _, urls = peers
    name = target.split("/")[1] if target.split("/")[1] in urls else "node"
    direct = Answer(urls[name] + target, "-H", "host: same.test", *arguments)
    got = through(target, "-H", "host: same.test", *arguments, *VERSIONS[version])
    assert got.status == direct.status
    if "multipart/byteranges" in got.fields.get("content-type", ""):
        # The boundary is another each time.
        for each in (direct, got):
            boundary = each.fields.pop("content-type").rpartition("=")[2]
            each.body = each.body.replace(boundary.encode(), b"")
    assert got.body == direct.body
    kept = [{k: v for k, v in each.fields.items() if k not in PROXYS_OWN} for each in (got, direct)]
    if "transfer-encoding" in direct.fields and not direct.body:
        # Chunks without content may become a length of 0.
        kept[0].pop("content-length", None)
    assert kept[0] == kept[1]


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("target", ["/nginx/big", "/python/big"])
def test_a_big_file_arrives_whole(through, target, version):
    got = through(target, *VERSIONS[version])
    assert hashlib.sha256(got.body).digest() == hashlib.sha256(BIG).digest()


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("known", [True, False], ids=["length", "no length"])
def test_an_upload_arrives_whole(through, tmp_path, version, known):
    """curl knows the length of a file, but not of what it reads from a pipe."""
    (tmp_path / "body").write_bytes(BIG)
    source = {"arguments": ["-T", tmp_path / "body"]} if known else {"arguments": ["-T", "-"], "stdin": BIG}
    got = through("/node/up", *VERSIONS[version], *source["arguments"], stdin=source.get("stdin"))
    told = json.loads(got.body)
    assert (told["method"], told["bytes"]) == ("PUT", len(BIG))
    assert told["sha256"] == hashlib.sha256(BIG).hexdigest()
    assert told["headers"].get("content-length") == (str(len(BIG)) if known else None)
    assert told["headers"].get("transfer-encoding") == (None if known else "chunked")


def test_nginx_stores_what_is_put(through, peers, tmp_path):
    (tmp_path / "body").write_bytes(BIG)
    assert through("/nginx/put", "-T", tmp_path / "body").status == 201
    assert through("/nginx/put").body == BIG
    assert through("/nginx/put", "-X", "DELETE").status == 204
    assert through("/nginx/put").status == 404


def test_expect_100_continue(through, tmp_path):
    """curl waits up to a minute here; that it doesn't have to is seen in its time limit."""
    (tmp_path / "body").write_bytes(b"x" * 2_000_000)
    got = through(
        "/node/", "--http1.1", "-H", "expect: 100-continue", "--expect100-timeout", "50", "--max-time", "30",
        "-T", tmp_path / "body",
    )  # fmt: skip
    assert json.loads(got.body)["bytes"] == 2_000_000


@pytest.mark.parametrize("target", ["/nginx/text", "/node/", "/python/big"])
def test_an_http10_client(peers, target):
    """It knows no chunks: the end of the body is the length or the end of the connection."""
    proxy, _ = peers
    with socket.create_connection(proxy.address, timeout=30) as client:
        client.sendall(f"GET {target} HTTP/1.0\r\n\r\n".encode())
        got = b""
        while piece := client.recv(65536):
            got += piece
    head, _, body = got.partition(b"\r\n\r\n")
    assert head.split()[1] == b"200"
    assert b"transfer-encoding" not in head.lower()
    if target == "/node/":
        assert json.loads(body)["url"] == "/node/"
    else:
        assert body == (TEXT if target == "/nginx/text" else BIG)


def test_http10_with_keep_alive(peers):
    proxy, _ = peers
    with socket.create_connection(proxy.address, timeout=30) as client:
        for _ in range(3):
            client.sendall(b"HEAD /nginx/text HTTP/1.0\r\nhost: a\r\nconnection: keep-alive\r\n\r\n")
            got = b""
            while b"\r\n\r\n" not in got:
                piece = client.recv(65536)
                assert piece, "closed, although the client wanted to go on"
                got += piece
            assert got.split()[1] == b"200"
            assert b"connection: keep-alive" in got.lower()


def test_a_connection_is_kept(peers):
    """Also across backends, and when a backend ends its own."""
    proxy, _ = peers
    targets = ["/nginx/text", "/node/", "/python/nothing", "/nginx/nothing"] * 3
    command = ["curl", "-sS", "--max-time", "30", "-w", "connects=%{num_connects};"]
    for target in targets:
        command += ["-o", "/dev/null", proxy.url + target]
    done = subprocess.run(command, capture_output=True, text=True, timeout=40)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("connects=0;") == len(targets) - 1, done.stdout


def test_what_backends_are_told(through):
    told = json.loads(through("/node/x?y=%20", "-H", "host: shop.test").body)
    headers = told["headers"]
    assert told["url"] == "/node/x?y=%20"
    assert headers["host"] == "shop.test"
    assert headers["x-forwarded-for"] == "127.0.0.1"
    assert headers["x-forwarded-proto"] == "http"
    assert headers["x-forwarded-host"] == "shop.test"
    assert headers["via"].startswith("1.1 ")
    assert headers["x-mark"] == "seen"
    assert "forwarded" not in headers
