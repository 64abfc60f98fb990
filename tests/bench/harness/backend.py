"""The backend: nginx with one worker, serving three files from memory, connections kept alive for good."""

from __future__ import annotations

import shutil
import urllib.request
from pathlib import Path

from harness import limits
from harness.process import Process, Started, free_port, listening

STATUS = "/status"
SIZES = {"1KiB": 1 << 10, "64KiB": 1 << 16, "1MiB": 1 << 20}

NGINX_CONF = """\
daemon off;
master_process off;
worker_processes 1;
worker_rlimit_nofile {files};
pid {directory}/backend.pid;
error_log stderr error;
events {{ worker_connections {files}; }}
http {{
    access_log off;
    sendfile on;
    tcp_nopush on;
    tcp_nodelay on;
    etag off;
    open_file_cache max=16 inactive=1h;
    open_file_cache_valid 1h;
    keepalive_timeout 1h;
    keepalive_requests 1000000000;
    client_body_temp_path {directory}/body;
    proxy_temp_path {directory}/proxy;
    fastcgi_temp_path {directory}/fastcgi;
    uwsgi_temp_path {directory}/uwsgi;
    scgi_temp_path {directory}/scgi;
    server {{
        listen 127.0.0.1:{port} backlog=4096;
        root {directory}/files;
        default_type text/plain;
        location = {status} {{ stub_status; }}
        location ~ ^/burn/[0-9]+/(.*)$ {{ alias {directory}/files/$1; }}
    }}
}}
"""


def start(directory: Path) -> Started:
    """Starts the backend and returns it with its port."""
    if shutil.which("nginx") is None:
        raise RuntimeError("nginx is the backend of the benches and is not installed: apt-get install nginx")
    files = directory / "files"
    files.mkdir()
    for name, size in SIZES.items():
        (files / name).write_bytes(b"tollgate" * (size // 8))
    port = free_port()
    conf = directory / "backend.conf"
    conf.write_text(NGINX_CONF.format(directory=directory, port=port, files=limits.files(), status=STATUS))
    command = ["nginx", "-p", str(directory), "-c", str(conf), "-e", "stderr"]
    return listening(Process("backend", command, directory), port)


def served(port: int) -> int:
    """How many requests the backend has answered so far, this one included."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{STATUS}", timeout=30) as response:
        return int(response.read().decode().split()[9])
