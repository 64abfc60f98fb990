"""Backends that nobody here wrote: nginx, and what Node and Python have for HTTP; and TLS for a scripted origin."""

import shutil
import socket
import ssl
import sys
from pathlib import Path

from .config import free_port
from .origin import Peer
from .process import Process
from .waiting import until

NGINX = """\
daemon off;
master_process off;
pid {directory}/nginx.pid;
error_log stderr notice;
events {{ worker_connections 512; }}
http {{
    access_log off;
    default_type text/plain;
    client_max_body_size 0;
    client_body_temp_path {directory}/body;
    proxy_temp_path {directory}/proxy;
    fastcgi_temp_path {directory}/fastcgi;
    uwsgi_temp_path {directory}/uwsgi;
    scgi_temp_path {directory}/scgi;
    {http}
    server {{
        listen {listen};
        root {directory}/files;
        {server}
    }}
}}
"""

NODE = """\
const http = require('http'), zlib = require('zlib'), crypto = require('crypto');
const server = http.createServer((request, response) => {
  if (request.url === '/redirect') return response.writeHead(302, {location: '/elsewhere'}).end();
  if (request.url === '/gzip')
    return response.writeHead(200, {'content-encoding': 'gzip'}).end(zlib.gzipSync('squeezed '.repeat(1000)));
  const hash = crypto.createHash('sha256');
  let bytes = 0;
  request.on('data', piece => { bytes += piece.length; hash.update(piece); });
  request.on('end', () => {
    const {method, url, headers, httpVersion} = request;
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify({by: 'node', method, url, headers, httpVersion, bytes, sha256: hash.digest('hex')}));
  });
});
server.listen(0, '127.0.0.1', () => console.log('listening on ' + server.address().port));
"""


class Nginx:
    """nginx in the foreground, which serves `files`. `listen` is all that may follow the address there: `ssl http2`."""

    def __init__(self, directory, listen="", server="", http=""):
        self.directory = Path(directory)
        self.files = self.directory / "files"
        self.files.mkdir(parents=True)
        self.port = free_port()
        self.scheme = "https" if "ssl" in listen.split() else "http"
        self.url = f"{self.scheme}://127.0.0.1:{self.port}"
        conf = self.directory / "nginx.conf"
        parts = {"directory": self.directory, "listen": f"127.0.0.1:{self.port} {listen}", "server": server}
        conf.write_text(NGINX.format(**parts, http=http))
        self.process = Process("nginx", ["nginx", "-p", self.directory, "-c", conf, "-e", "stderr"])
        try:
            until(lambda: accepts(self.port) or not self.process.alive(), "nginx listens")
            assert self.process.alive(), self.process.output()
        except AssertionError:
            self.stop()
            raise

    def stop(self):
        self.process.stop()


class Node:
    """Node's `http` with NODE: it says in JSON what it got, with the length and SHA-256 of the body."""

    def __init__(self, directory):
        directory = Path(directory)
        directory.mkdir(parents=True)
        script = directory / "server.js"
        script.write_text(NODE)
        self.process = Process("node", ["node", script])
        self.port = int(self.process.wait_for(r"listening on (\d+)", label="out").group(1))
        self.url = f"http://127.0.0.1:{self.port}"

    def stop(self):
        self.process.stop()


class Python:
    """`python -m http.server` over `files`: HTTP/1.0 answers, each on a connection of its own."""

    def __init__(self, directory):
        self.files = Path(directory)
        self.files.mkdir(parents=True)
        command = [sys.executable, "-u", "-m", "http.server", "0", "--bind", "127.0.0.1"]
        self.process = Process("http.server", command, cwd=self.files)
        self.port = int(self.process.wait_for(r" port (\d+) ", label="out").group(1))
        self.url = f"http://127.0.0.1:{self.port}"

    def stop(self):
        self.process.stop()


def secured(serve, context, failures=None):
    """A `serve` for an Origin that speaks TLS first. A handshake that fails is no error but goes to `failures`."""

    def serve_secured(peer):
        try:
            sock = context.wrap_socket(peer.socket, server_side=True)
        except (ssl.SSLError, ConnectionError) as error:
            if failures is not None:
                failures.append(error)
            return
        with sock:
            serve(Peer(sock, peer.number))

    return serve_secured


def accepts(port):
    """Whether something accepts connections there."""
    try:
        socket.create_connection(("127.0.0.1", port), 5).close()
    except OSError:
        return False
    return True


def missing(*programs):
    """Those that are not installed, for a test to be skipped with; empty if all are there."""
    return ", ".join(program for program in programs if not shutil.which(program))
