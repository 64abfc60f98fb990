"""TLS toward clients: certificates, versions, ALPN, one port for TLS and cleartext. The peers are OpenSSL and curl."""

import http.client
import re
import socket
import ssl
import subprocess
import threading
import time

import pytest
from harness import certificates
from harness.backends import missing
from harness.certificates import SecureClient, authority, careless, client_hello, trusting  # noqa: F401
from harness.config import configured  # noqa: F401
from harness.origin import answer
from harness.servers import TOLLGATE, environment
from harness.waiting import until

OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"

pytestmark = pytest.mark.skipif(bool(missing("openssl", "curl")), reason="needs openssl and curl")


@pytest.fixture
def secured(configured, origin, authority, tmp_path):  # noqa: F811
    """Starts a tollgate with a certificate for localhost before an origin that answers ok: returns both."""

    def start(serve=None, tls=None, **settings):
        backend = origin(serve or answer(OK))
        pair = authority.issue("localhost", "127.0.0.1")
        # Copies of its own, for tests that replace them.
        own = certificates.Pair(tmp_path / "chain.pem", tmp_path / "key.pem")
        own.chain.write_bytes(pair.chain.read_bytes())
        own.key.write_bytes(pair.key.read_bytes())
        table = {"certificate": own.chain, "key": own.key, **(tls or {})}
        return configured({"backend": backend.url, **settings, "tls": table}), own

    return start


def s_client(proxy, *arguments):
    """What `openssl s_client` prints of a handshake."""
    host, port = proxy.address
    command = ["openssl", "s_client", "-connect", f"{host}:{port}", "-servername", "localhost", *arguments]
    return subprocess.run(command, input="", capture_output=True, text=True, errors="replace", timeout=30).stdout


def curl(url, *arguments):
    """Status, version and body of an answer that curl got; fails when curl failed."""
    command = ["curl", "-sS", "--max-time", "20", "-w", "\n%{http_code} %{http_version}", *map(str, arguments), url]
    done = subprocess.run(command, capture_output=True, timeout=30)
    assert done.returncode == 0, done.stderr.decode()
    body, _, last = done.stdout.rpartition(b"\n")
    status, version = last.decode().split()
    return int(status), version, body


def served(proxy):
    """The fingerprint of the certificate that a new connection gets."""
    with SecureClient(proxy.address, careless()) as client:
        return client.fingerprint


def test_a_self_signed_certificate_is_the_one_whose_fingerprint_is_printed(configured, origin):  # noqa: F811
    proxy = configured({"backend": origin(answer(OK)).url}, arguments=["--tls", "self-signed"])
    assert proxy.url.startswith("https://")
    printed = proxy.process.wait_for(r"((?:[0-9A-Fa-f]{2}:?){32})", label="out").group(1)
    pem = certificates.first_certificate(re.search(r"-----BEGIN.*", s_client(proxy), re.DOTALL).group(0))
    shown = subprocess.run(
        ["openssl", "x509", "-noout", "-fingerprint", "-sha256"], input=pem, capture_output=True, text=True, timeout=30
    ).stdout
    assert shown.strip().split("=")[1].replace(":", "").lower() == printed.replace(":", "").lower()
    # Who pins the certificate can check the name, too.
    for name in ("localhost", "127.0.0.1"):
        context = ssl.create_default_context(cadata=pem)
        with SecureClient(proxy.address, context, name) as client:
            assert client.request("GET", "/").body == b"ok"


@pytest.mark.parametrize("version", ["-tls1_2", "-tls1_3"])
@pytest.mark.parametrize("offered, chosen", [("h2,http/1.1", "h2"), ("http/1.1", "http/1.1"), ("h2", "h2")])
def test_versions_and_alpn(secured, version, offered, chosen):
    proxy, _ = secured()
    text = s_client(proxy, version, "-alpn", offered)
    assert f"ALPN protocol: {chosen}" in text, text
    assert {"-tls1_2": "TLSv1.2", "-tls1_3": "TLSv1.3"}[version] in text


def test_old_versions_are_refused(secured):
    proxy, _ = secured()
    for version in ("-tls1", "-tls1_1"):
        text = s_client(proxy, version, "-cipher", "ALL:@SECLEVEL=0")
        assert "Cipher is (NONE)" in text, text


def test_a_client_that_knows_only_http_1_0_is_served(secured):
    proxy, _ = secured()
    text = s_client(proxy, "-alpn", "http/1.0")
    assert "ALPN protocol: http/1.0" in text, text


def test_without_alpn_it_is_http1(secured, authority):  # noqa: F811
    proxy, _ = secured()
    with SecureClient(proxy.address, trusting(authority.ca)) as client:
        assert client.socket.selected_alpn_protocol() is None
        assert client.request("GET", "/").body == b"ok"


@pytest.mark.parametrize("version", ["1.1", "2"])
def test_bodies_go_through_whole(secured, authority, version, tmp_path):  # noqa: F811
    body = bytes(range(256)) * 20_000
    requests = []
    echo = answer(lambda r: b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % len(r.body) + r.body, requests)
    proxy, _ = secured(echo)
    (tmp_path / "body").write_bytes(body)
    url = f"https://localhost:{proxy.port}/"
    flag = f"--http{version}"
    assert curl(url, flag, "--cacert", authority.ca, "--data-binary", f"@{tmp_path / 'body'}") == (200, version, body)
    assert requests[0].get("x-forwarded-proto") == "https"


WAYS = {"rename": certificates.replace_by_rename, "in place": certificates.replace_in_place}


@pytest.mark.parametrize("first", ["key", "chain"])
@pytest.mark.parametrize("way", WAYS)
def test_a_replaced_certificate_is_served_to_new_connections(secured, authority, way, first):  # noqa: F811
    go_on = threading.Event()

    def serve(peer):
        peer.request()
        peer.send(b"HTTP/1.1 200 OK\r\ncontent-length: 2000\r\n\r\n" + b"x" * 1000)
        assert go_on.wait(30)
        peer.send(b"x" * 1000)

    proxy, own = secured(serve)
    old, new = own.fingerprint, authority.issue("localhost", "127.0.0.1")
    running = SecureClient(proxy.address, trusting(authority.ca))
    running.send(b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n")
    assert running.head().status == 200
    order = [(new.key, own.key), (new.chain, own.chain)]
    for step, (source, target) in enumerate(order if first == "key" else order[::-1]):
        if step == 1:
            # The first half alone fits nothing. The proxy looks each second; so long the old pair must be served.
            ends = time.monotonic() + 1.5
            while time.monotonic() < ends:
                assert served(proxy) == old
        WAYS[way](source, target)
    until(lambda: served(proxy) == new.fingerprint, "the new certificate is served", seconds=10)
    go_on.set()
    assert running.reader.exactly(2000) == b"x" * 2000
    assert running.fingerprint == old
    running.socket.close()


BROKEN = {
    "empty": b"",
    "no PEM": b"certificate",
    "cut": None,
    "another's key": None,
}


@pytest.mark.parametrize("what", BROKEN)
def test_a_broken_file_keeps_the_old_certificate(secured, authority, what):  # noqa: F811
    proxy, own = secured()
    old = own.fingerprint
    new = authority.issue("localhost", "127.0.0.1")
    whole = own.chain.read_bytes()
    lines = len(proxy.process.lines("err"))
    if what == "another's key":
        certificates.replace_by_rename(new.key, own.key)
        culprit = "(key|chain).pem"
    else:
        broken = whole[: len(whole) // 3] if what == "cut" else BROKEN[what]
        temporary = own.chain.with_suffix(".broken")
        temporary.write_bytes(broken)
        certificates.replace_by_rename(temporary, own.chain)
        culprit = "chain.pem"
    complaint = proxy.logged(rf"(WARN|ERROR).*{culprit}", since=lines)
    assert complaint
    assert served(proxy) == old
    certificates.replace_by_rename(new.key, own.key)
    certificates.replace_by_rename(new.chain, own.chain)
    until(lambda: served(proxy) == new.fingerprint, "the next good pair is served")


def test_a_bad_pair_stops_the_start(configured, origin, authority, tmp_path):  # noqa: F811
    good, other = authority.issue("localhost"), authority.issue("localhost")
    nothing = tmp_path / "nothing.pem"
    for chain, key, named in [(nothing, good.key, "nothing.pem"), (good.chain, other.key, other.key.name)]:
        settings = {"backend": origin(answer(OK)).url, "tls": {"certificate": chain, "key": key}}
        proxy = configured(settings, ready=False)
        assert proxy.process.wait() not in (0, None)
        assert named in proxy.process.output()


def half_handshakes(address):
    """Connections that stop at every place where a server must tell what is spoken."""
    hello = client_hello()
    beginnings = [
        b"",
        hello[:1],
        hello[:6],
        hello[: len(hello) // 2],
        b"G",
        b"PRI * HTTP/2.0\r\n",
        b"GET / HTTP/1.1\r\n",
    ]
    opened = []
    for beginning in beginnings * 10:
        opened.append(socket.create_connection(address, timeout=10))
        if beginning:
            opened[-1].sendall(beginning)
    return opened


def test_one_port_speaks_tls_and_cleartext_and_idle_connections_stall_nobody(secured, authority):  # noqa: F811
    # Far longer than the clients below wait: none of them may owe its answer to a timeout.
    proxy, _ = secured(tls={"cleartext": True}, server={"header-timeout": "60s"})
    idle = half_handshakes(proxy.address)
    https, http_ = f"https://localhost:{proxy.port}/", f"http://127.0.0.1:{proxy.port}/"
    quick = ("--max-time", "5")
    for _ in range(3):
        assert curl(https, "--http1.1", "--cacert", authority.ca, *quick) == (200, "1.1", b"ok")
        assert curl(https, "--http2", "--cacert", authority.ca, *quick) == (200, "2", b"ok")
        assert curl(http_, "--http1.1", *quick) == (200, "1.1", b"ok")
        assert curl(http_, "--http2-prior-knowledge", *quick) == (200, "2", b"ok")
    # One that stopped on the way goes on where it stopped.
    late = idle[6]
    late.sendall(b"host: a\r\n\r\n")
    assert late.recv(65536).startswith(b"HTTP/1.1 200")
    for each in idle:
        each.close()


def test_the_flag_opens_the_port_to_both(configured, origin):  # noqa: F811
    backend = origin(answer(OK))
    proxy = configured({"backend": backend.url}, arguments=["--tls", "self-signed", "--tls-cleartext"])
    assert curl(f"http://127.0.0.1:{proxy.port}/") == (200, "1.1", b"ok")
    assert curl(f"https://127.0.0.1:{proxy.port}/", "--insecure", "--http2") == (200, "2", b"ok")


def test_cleartext_to_a_tls_port_is_told_so(secured):
    proxy, _ = secured()
    connection = http.client.HTTPConnection(*proxy.address, timeout=20)
    connection.request("GET", "/")
    response = connection.getresponse()
    text = response.read().decode()
    assert response.status == 400
    assert re.search("https|TLS", text), text
    assert response.getheader("connection") == "close"


def test_bytes_that_are_neither_end_the_connection(secured, connect):
    proxy, _ = secured()
    client = connect(proxy)
    client.send(b"\x16\x03\x01\xff\xff" + b"\xff" * 100)
    client.reader.rest()


@pytest.mark.parametrize("cleartext", [False, True])
@pytest.mark.parametrize("sent", ["nothing", "one byte", "half"])
def test_a_handshake_that_does_not_end_is_ended(secured, connect, cleartext, sent):
    proxy, _ = secured(tls={"cleartext": cleartext}, server={"header-timeout": "1s", "idle-timeout": "1s"})
    client = connect(proxy)
    hello = client_hello()
    client.send({"nothing": b"", "one byte": hello[:1], "half": hello[: len(hello) // 2]}[sent])
    client.reader.rest()  # ends with the peer's close; a socket that stays open fails after 30 s


def test_tls_needs_both_files(tmp_path):
    command = [TOLLGATE, "run", "--listen", "127.0.0.1:0", "--plugins", tmp_path, "--tls", "only-one.pem"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, env=environment(), cwd=tmp_path)
    assert done.returncode != 0
    assert "--tls" in done.stderr
