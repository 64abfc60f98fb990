"""The proxies that are compared: how each is found, configured alike, and started.

All run with two workers, keep their connections alive both ways, write no access log, and add no field of their own
where that can be switched off.
"""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Callable

from harness.backend import free_port, wait_for_port
from harness.process import Process

ROOT = Path(__file__).resolve().parents[3]
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")).absolute()
WORKERS = 2

TOLLGATE = TARGET / "release/tollgate"
BARE_PROXY = TARGET / "release/bare-proxy"
ADD_HEADER = TARGET / "plugins/add-header.wasm"
ENVOY = TARGET / "bench/venv/bin/envoy"
ENVOY_FILTER = TARGET / "bench/envoy-filter.wasm"

Started = tuple[Process, int]


@dataclass(frozen=True)
class Proxy:
    """A proxy under a name. `missing` tells why it can't run here and how to get it; `start` takes the backend's port."""

    name: str
    missing: Callable[[], str | None]
    start: Callable[[int, Path], Started]
    adds_field: bool = False
    """Whether a plugin or filter adds a field to every request and every response."""


def all_proxies() -> list[Proxy]:
    """The floor first."""
    return [
        _bare("hyper, stealing, legacy", "stealing", "legacy"),
        _bare("hyper, stealing, own pool", "stealing", "own"),
        _bare("hyper, per-core, own pool", "per-core", "own"),
        _tollgate(0),
        _tollgate(1),
        _tollgate(5),
        Proxy("nginx", _without("nginx", "apt-get install nginx"), _start_nginx),
        Proxy("haproxy", _without("haproxy", "apt-get install haproxy"), _start_haproxy),
        Proxy("envoy", _without_files(ENVOY_HOW, ENVOY), _start_envoy_alone),
        Proxy("envoy, wasm filter", _without_files(ENVOY_HOW, ENVOY, ENVOY_FILTER), _start_envoy_wasm, adds_field=True),
    ]


ENVOY_HOW = "make bench-envoy"


def _without(program: str, how: str) -> Callable[[], str | None]:
    return lambda: None if shutil.which(program) else f"not installed; {how}"


def _without_files(how: str, *files: Path) -> Callable[[], str | None]:
    def missing() -> str | None:
        absent = [file.name for file in files if not file.exists()]
        return f"no {' and no '.join(absent)}; {how}" if absent else None

    return missing


def _bare(name: str, shape: str, pool: str) -> Proxy:
    def start(backend_port: int, directory: Path) -> Started:
        command = [str(BARE_PROXY), "--listen", "127.0.0.1:0", "--backend", f"127.0.0.1:{backend_port}"]
        command += ["--shape", shape, "--pool", pool, "--workers", str(WORKERS)]
        return _announced(Process(f"bare-{shape}-{pool}", command, directory))

    return Proxy(name, _without_files("cargo build --release -p tollgate-bench", BARE_PROXY), start)


def _tollgate(count: int) -> Proxy:
    def start(backend_port: int, directory: Path) -> Started:
        plugins = directory / f"tollgate-{count}/plugins"
        plugins.mkdir(parents=True)
        for number in range(count):
            shutil.copy(ADD_HEADER, plugins / f"add-header-{number}.wasm")
        return start_tollgate(f"tollgate-{count}", backend_port, plugins, directory)

    name = f"tollgate, {count} plugin{'' if count == 1 else 's'}"
    return Proxy(name, _without_files("make build plugins", TOLLGATE, ADD_HEADER), start, adds_field=count > 0)


def start_tollgate(name: str, backend_port: int, plugins: Path, directory: Path) -> Started:
    """Starts tollgate on a port of its choice with the plugins of one directory and an empty cache."""
    command = [str(TOLLGATE), "run", "--listen", "127.0.0.1:0", "--backend", f"http://127.0.0.1:{backend_port}"]
    command += ["--plugins", str(plugins), "--cache-dir", str(directory / f"{name}-cache"), "--workers", str(WORKERS)]
    return _announced(Process(name, command, directory))


def _announced(process: Process) -> Started:
    try:
        return process, process.announced_port()
    except RuntimeError:
        process.stop()
        raise


NGINX_CONF = """\
daemon off;
worker_processes {workers};
worker_rlimit_nofile 16384;
pid {directory}/nginx.pid;
error_log stderr error;
events {{ worker_connections 8192; }}
http {{
    access_log off;
    tcp_nodelay on;
    keepalive_timeout 1h;
    keepalive_requests 1000000000;
    client_body_temp_path {directory}/body;
    proxy_temp_path {directory}/proxy;
    fastcgi_temp_path {directory}/fastcgi;
    uwsgi_temp_path {directory}/uwsgi;
    scgi_temp_path {directory}/scgi;
    upstream backend {{
        server 127.0.0.1:{backend_port};
        keepalive 1024;
        keepalive_requests 1000000000;
        keepalive_timeout 1h;
    }}
    server {{
        listen 127.0.0.1:{port} reuseport backlog=4096;
        location / {{
            proxy_pass http://backend;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_set_header Host $http_host;
            proxy_buffer_size 64k;
            proxy_buffers 16 64k;
            proxy_busy_buffers_size 128k;
            proxy_max_temp_file_size 0;
        }}
    }}
}}
"""


def _start_nginx(backend_port: int, directory: Path) -> Started:
    own = directory / "nginx"
    own.mkdir()
    port = free_port()
    conf = own / "nginx.conf"
    conf.write_text(NGINX_CONF.format(workers=WORKERS, directory=own, port=port, backend_port=backend_port))
    process = Process("nginx", ["nginx", "-p", str(own), "-c", str(conf), "-e", "stderr"], directory)
    return _listening(process, port)


HAPROXY_CONF = """\
global
    nbthread {workers}
    maxconn 8192
defaults
    mode http
    timeout connect 10s
    timeout client 1h
    timeout server 1h
    http-reuse always
frontend clients
    bind 127.0.0.1:{port} backlog 4096
    default_backend backend
backend backend
    server backend 127.0.0.1:{backend_port} pool-max-conn 1024 pool-purge-delay 1h
"""


def _start_haproxy(backend_port: int, directory: Path) -> Started:
    port = free_port()
    conf = directory / "haproxy.conf"
    conf.write_text(HAPROXY_CONF.format(workers=WORKERS, port=port, backend_port=backend_port))
    return _listening(Process("haproxy", ["haproxy", "-db", "-f", str(conf)], directory), port)


def _start_envoy_alone(backend_port: int, directory: Path) -> Started:
    return _start_envoy(backend_port, directory, None)


def _start_envoy_wasm(backend_port: int, directory: Path) -> Started:
    return _start_envoy(backend_port, directory, ENVOY_FILTER)


def _start_envoy(backend_port: int, directory: Path, wasm: Path | None) -> Started:
    name = "envoy-wasm" if wasm else "envoy"
    port = free_port()
    conf = directory / f"{name}.json"
    conf.write_text(json.dumps(_envoy_conf(port, backend_port, wasm)))
    command = [str(ENVOY), "--concurrency", str(WORKERS), "--disable-hot-restart", "--log-level", "error"]
    return _listening(Process(name, [*command, "--config-path", str(conf)], directory), port)


def _envoy_conf(port: int, backend_port: int, wasm: Path | None) -> dict[str, object]:
    router = _typed("envoy.filters.http.router", "envoy.extensions.filters.http.router.v3.Router", suppress_envoy_headers=True)
    manager = _typed(
        "envoy.filters.network.http_connection_manager",
        "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        stat_prefix="clients",
        generate_request_id=False,
        server_header_transformation="PASS_THROUGH",
        http_filters=[*([_envoy_wasm(wasm)] if wasm else []), router],
        route_config={
            "virtual_hosts": [
                {"name": "all", "domains": ["*"], "routes": [{"match": {"prefix": "/"}, "route": {"cluster": "backend", "timeout": "0s"}}]}
            ]
        },
    )
    limits = {name: 100_000 for name in ("max_connections", "max_pending_requests", "max_requests", "max_retries")}
    cluster = {
        "name": "backend",
        "type": "STATIC",
        "connect_timeout": "10s",
        "circuit_breakers": {"thresholds": [limits]},
        "load_assignment": {
            "cluster_name": "backend",
            "endpoints": [{"lb_endpoints": [{"endpoint": {"address": _address(backend_port)}}]}],
        },
    }
    listener = {"name": "clients", "address": _address(port), "filter_chains": [{"filters": [manager]}]}
    return {"static_resources": {"listeners": [listener], "clusters": [cluster]}}


def _envoy_wasm(wasm: Path) -> dict[str, object]:
    vm = {"runtime": "envoy.wasm.runtime.v8", "code": {"local": {"filename": str(wasm)}}}
    config = {"name": "add-header", "vm_config": vm}
    return _typed("envoy.filters.http.wasm", "envoy.extensions.filters.http.wasm.v3.Wasm", config=config)


def _typed(name: str, type_name: str, **fields: object) -> dict[str, object]:
    return {"name": name, "typed_config": {"@type": f"type.googleapis.com/{type_name}", **fields}}


def _address(port: int) -> dict[str, object]:
    return {"socket_address": {"address": "127.0.0.1", "port_value": port}}


def _listening(process: Process, port: int) -> Started:
    try:
        wait_for_port(process, port)
    except RuntimeError:
        process.stop()
        raise
    return process, port
