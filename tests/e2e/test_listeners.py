"""Several addresses for clients: TLS beside plaintext, both protocols, plugins of their own, and changes at run time."""

import re
import subprocess

import pytest
from harness.backends import missing
from harness.certificates import authority  # noqa: F401
from harness.config import configured, free_port  # noqa: F401
from harness.origin import answer
from harness.servers import TOLLGATE, environment
from harness.waiting import until

pytestmark = pytest.mark.skipif(bool(missing("curl")), reason="needs curl")

PLUGINS = {name: {"name": "x-mark", "value": name} for name in ("one", "two")}


def told(requests):
    """An origin that says ok and keeps its requests."""
    return answer(lambda _: b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok", requests)


def curl(url, *arguments):
    """Status, version of HTTP, and who marked the answer; none when there is no connection or no handshake."""
    command = ["curl", "-sS", "-D", "-", "-o", "/dev/null", "--max-time", "20", "-w", "\n%{http_code} %{http_version}", *map(str, arguments), url]
    done = subprocess.run(command, capture_output=True, timeout=30, text=True)
    if done.returncode:
        return None
    status, version = done.stdout.splitlines()[-1].split()
    return int(status), version, re.findall(r"(?im)^x-mark: (\S+)", done.stdout)


@pytest.fixture
def beside(configured, origin, authority):  # noqa: F811
    """A proxy with a listener in plaintext and one with TLS: returns it, their ports, and the requests of the origin."""
    requests = []
    backend = origin(told(requests))
    pair = authority.issue("localhost", "127.0.0.1")
    plain, secure = free_port(), free_port()

    def settings(plain_tls=False, secure_tls=None):
        tables = [
            {"name": "plain", "address": f"127.0.0.1:{plain}", "plugins": ["one"], "tls": plain_tls},
            {"name": "secure", "address": f"127.0.0.1:{secure}", "plugins": ["two"]},
        ]
        if secure_tls is not None:
            tables[1]["tls"] = secure_tls
        return {"backend": backend.url, "tls": {"certificate": pair.chain, "key": pair.key}, "listeners": tables}

    # The address in `listen` has the TLS of the file's top too.
    proxy = configured(settings(), PLUGINS)
    return proxy, settings, plain, secure, requests


@pytest.mark.parametrize("version", ["1.1", "2"])
def test_tls_beside_plaintext_with_both_protocols(beside, authority, version):  # noqa: F811
    proxy, _, plain, secure, requests = beside
    flag = "--http2-prior-knowledge" if version == "2" else "--http1.1"
    ca = ("--cacert", authority.ca)
    assert curl(f"http://127.0.0.1:{plain}/", flag) == (200, version, ["one"])
    assert curl(f"https://localhost:{secure}/", f"--http{version}", *ca) == (200, version, ["two"])
    assert curl(f"https://localhost:{proxy.port}/", f"--http{version}", *ca)[:2] == (200, version)
    assert [r.get("x-forwarded-proto") for r in requests] == ["http", "https", "https"]
    # Neither answers the other's way.
    assert curl(f"https://localhost:{plain}/", *ca) is None
    assert curl(f"http://127.0.0.1:{secure}/")[0] == 400
    assert len(requests) == 3


@pytest.mark.parametrize("version", ["1.1", "2"])
def test_tls_comes_and_goes_at_run_time(beside, authority, version):  # noqa: F811
    """The sockets stay open meanwhile, and each listener keeps its plugins."""
    proxy, settings, plain, secure, _ = beside
    flag = "--http2-prior-knowledge" if version == "2" else "--http1.1"
    secured = (f"--http{version}", "--cacert", authority.ca)
    proxy.rewrite(settings(plain_tls={"self-signed": True, "cleartext": True}, secure_tls=False), PLUGINS)
    until(lambda: curl(f"http://127.0.0.1:{secure}/", flag) == (200, version, ["two"]), "the other is plaintext")
    assert curl(f"https://localhost:{plain}/", f"--http{version}", "-k") == (200, version, ["one"])
    assert curl(f"http://127.0.0.1:{plain}/", flag) == (200, version, ["one"])
    proxy.rewrite(settings(), PLUGINS)
    until(lambda: curl(f"https://localhost:{secure}/", *secured) == (200, version, ["two"]), "TLS again")
    assert curl(f"http://127.0.0.1:{plain}/", flag) == (200, version, ["one"])
    assert curl(f"https://localhost:{plain}/", "-k") is None


def test_a_certificate_that_can_not_be_read_changes_nothing(beside, authority):  # noqa: F811
    proxy, settings, plain, secure, _ = beside
    proxy.rewrite(settings(plain_tls={"certificate": "nowhere.pem", "key": "nowhere.pem"}, secure_tls=False), PLUGINS)
    proxy.process.wait_for(r"can't serve TLS of listener plain: ")
    assert curl(f"http://127.0.0.1:{plain}/") == (200, "1.1", ["one"])
    assert curl(f"https://localhost:{secure}/", "--cacert", authority.ca)[0] == 200


def test_flags_may_be_repeated(tollgate, origin):
    requests = []
    proxy = tollgate(origin(told(requests)).url, arguments=["--listen", "[::1]:0"])
    lines = "\n".join(proxy.process.lines("out"))
    urls = re.findall(r"(?m)^listener default: (\S+) -> ", lines)
    assert len(urls) == 2 and urls[0] == proxy.url and urls[1].startswith("http://[::1]:")
    for url in urls:
        assert curl(url + "/")[0] == 200
    assert len(requests) == 2


def test_check_config_knows_addresses_that_exclude_each_other(tmp_path):
    file = tmp_path / "t.toml"
    file.write_text("listen = 8080\n[[listeners]]\nname = 'all'\naddress = '0.0.0.0:8080'\n[[listeners]]\nname = 'all'\naddress = 1\n")
    done = subprocess.run([TOLLGATE, "check-config", "--no-plugins", "--config", file], capture_output=True, text=True, env=environment())
    assert done.returncode == 64
    lines = [line for line in done.stderr.splitlines() if "t.toml:" in line]
    assert [re.search(r"t.toml:(\d+): ", line).group(1) for line in lines] == ["4", "6"]
    assert "0.0.0.0:8080 takes the connections to 127.0.0.1:8080 too (line 1)" in lines[0]
