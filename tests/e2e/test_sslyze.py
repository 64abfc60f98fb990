"""sslyze's verdict, by Mozilla's "intermediate" profile: protocols, ciphers, curves, certificate and known attacks."""

import subprocess
import sys

import pytest
from harness.backends import Nginx, missing
from harness.certificates import authority  # noqa: F401
from harness.config import configured  # noqa: F401
from harness.origin import answer

OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"


def judge(port, ca):
    """sslyze's exit status (0: compliant) and what it printed."""
    command = [sys.executable, "-m", "sslyze", "--mozilla_config=intermediate", f"--certinfo_ca_file={ca}"]
    done = subprocess.run([*command, f"localhost:{port}"], capture_output=True, text=True, timeout=100)
    return done.returncode, done.stdout + done.stderr


def test_mozilla_intermediate(configured, origin, authority):  # noqa: F811
    pair = authority.issue("localhost", "127.0.0.1")
    tls = {"certificate": pair.chain, "key": pair.key}
    proxy = configured({"backend": origin(answer(OK)).url, "tls": tls})
    status, text = judge(proxy.port, authority.ca)
    assert status == 0, text
    assert "OK - Compliant" in text
    # It still serves after all that sslyze tried.
    assert proxy.process.alive()


@pytest.mark.skipif(bool(missing("nginx")), reason="needs nginx")
def test_the_judge_can_say_no(authority, tmp_path):  # noqa: F811
    pair = authority.issue("localhost", "127.0.0.1")
    lax = f"ssl_certificate {pair.chain}; ssl_certificate_key {pair.key}; ssl_ciphers ALL:@SECLEVEL=0;"
    server = Nginx(tmp_path / "nginx", "ssl", lax + " ssl_protocols TLSv1 TLSv1.1 TLSv1.2;")
    try:
        status, text = judge(server.port, authority.ca)
    finally:
        server.stop()
    assert status != 0
    assert "FAILED" in text, text
