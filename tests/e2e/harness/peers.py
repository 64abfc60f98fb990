"""Peers that nobody here wrote: nginx as a backend, curl and h2load as clients; TLS; what a process takes."""

import shutil
import socket
import ssl
import subprocess
import threading
from pathlib import Path

import pytest

from .process import Process
from .waiting import until

# Programs that the tests start, and the Debian packages that setup.sh installs for them.
PACKAGES = {
    "nginx": "nginx-light",
    "curl": "curl",
    "h2load": "nghttp2-client",
    "slowhttptest": "slowhttptest",
    "openssl": "openssl",
}


def program(name):
    """Its path. A test that needs a program which isn't there is skipped."""
    path = shutil.which(name) or shutil.which(name, path="/usr/sbin:/sbin:/usr/local/sbin")
    if path is None:
        pytest.skip(f"{name} is missing: sudo apt-get install {PACKAGES[name]}")
    return path


def run(name, *arguments, seconds=60):
    """Runs a program to its end; returns what it wrote to stdout. Fails when it does."""
    done = subprocess.run(
        [program(name), *map(str, arguments)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=seconds,
    )
    wrote = done.stdout.decode(errors="replace")
    assert done.returncode == 0, f"{name} ended with {done.returncode}: {wrote}{done.stderr.decode(errors='replace')}"
    return wrote


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


class Nginx:
    """nginx as a backend on a free port. `server` is the inside of its server block; files come from `root`."""

    def __init__(self, directory, server="", listen=""):
        directory = Path(directory)
        self.root = directory / "root"
        self.root.mkdir(parents=True)
        self.port = free_port()
        self.address = ("127.0.0.1", self.port)
        temporary = "\n".join(
            f"  {name}_temp_path {directory}/{name};"
            for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        (directory / "nginx.conf").write_text(
            f"""daemon off; worker_processes 1; pid {directory}/pid; error_log stderr warn;
events {{ worker_connections 4096; }}
http {{
{temporary}
  access_log off; keepalive_requests 1000000; client_max_body_size 0;
  server {{ listen 127.0.0.1:{self.port} {listen}; root {self.root}; {server} }}
}}
"""
        )
        # Workers of root's nginx are another user, who must get to the files.
        for part in (directory, self.root):
            part.chmod(0o755)
        user = ["-g", "user root;"] if Path("/proc/self").owner() == "root" else []
        self.process = Process("nginx", [program("nginx"), "-c", directory / "nginx.conf", "-p", directory, *user])
        until(self._answers, "nginx takes connections")

    def _answers(self):
        assert self.process.alive(), f"nginx ended: {self.process.output()}"
        try:
            socket.create_connection(self.address, timeout=5).close()
        except ConnectionRefusedError:
            return False
        return True

    def stop(self):
        return self.process.stop()


def connect(proxy, seconds=30):
    """A TCP connection on which small writes leave at once."""
    sock = socket.create_connection(proxy.address, timeout=seconds)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sock


class Tls:
    """A TLS connection that one thread may read while another writes, which ssl.SSLSocket doesn't allow.

    It takes the proxy's certificate unseen; `protocols` are offered by ALPN.
    """

    def __init__(self, proxy, *protocols, seconds=30):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        if protocols:
            context.set_alpn_protocols(protocols)
        self._socket = connect(proxy, seconds)
        self._in, self._out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._in, self._out, server_hostname="localhost")
        self._lock, self._sending = threading.Lock(), threading.Lock()
        while not self._attempt(lambda: self._tls.do_handshake() or True):
            self._flush()
            self._feed()
        self._flush()
        self.protocol = self._tls.selected_alpn_protocol()

    def _attempt(self, action):
        """action(); None when TLS wants to read first."""
        with self._lock:
            try:
                return action()
            except ssl.SSLWantReadError:
                return None

    def _flush(self):
        """Sends what TLS has to send, in order, and lets others read meanwhile."""
        with self._sending:
            with self._lock:
                ready = self._out.read()
            if ready:
                self._socket.sendall(ready)

    def _feed(self):
        piece = self._socket.recv(65536)
        with self._lock:
            self._in.write(piece) if piece else self._in.write_eof()

    def recv(self, count):
        while True:
            try:
                piece = self._attempt(lambda: self._tls.read(count))
            except (ssl.SSLEOFError, ssl.SSLZeroReturnError):
                return b""
            if piece is not None:
                return piece
            self._feed()

    def sendall(self, data):
        self._attempt(lambda: self._tls.write(data) if data else None)
        self._flush()

    def shutdown(self, how):
        self._socket.shutdown(how)

    def close(self):
        self._socket.close()

    def plain(self):
        """A socket whose bytes go through this connection, for libraries that want one to wait on."""
        near, far = socket.socketpair()
        for source, sink in ((self, far), (far, self)):
            threading.Thread(target=copy, args=(source, sink), daemon=True).start()
        return near


def copy(source, sink):
    """All of one to the other; the end of one ends both."""
    try:
        while piece := source.recv(65536):
            sink.sendall(piece)
    except OSError:
        pass
    for each in (source, sink):
        try:
            each.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass


def certificate(proxy):
    """The proxy's certificate, PEM."""
    return ssl.get_server_certificate(proxy.address).encode()


def resident(pid):
    """The memory of a process that is in RAM, in bytes."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    raise AssertionError(f"no VmRSS of process {pid}")
