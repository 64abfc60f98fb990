"""The peers: nginx, HAProxy and Envoy, configured alike.

All run with two workers, keep their connections alive both ways, write no access log, never spill a body to disk, and
add no field of their own where that can be switched off.
"""

from __future__ import annotations

import json
from pathlib import Path

from harness import limits
from harness.certificate import Tls
from harness.process import Process, Started, free_port, listening

WORKERS = 2

NGINX_CONF = """\
daemon off;
worker_processes {workers};
worker_rlimit_nofile {files};
pid {directory}/nginx.pid;
error_log stderr error;
events {{ worker_connections {files}; }}
http {{
    access_log off;
    tcp_nodelay on;
    keepalive_timeout 1h;
    keepalive_requests 1000000000;
    client_max_body_size 0;
    client_body_temp_path {directory}/body;
    proxy_temp_path {directory}/proxy;
    fastcgi_temp_path {directory}/fastcgi;
    uwsgi_temp_path {directory}/uwsgi;
    scgi_temp_path {directory}/scgi;
    upstream backend {{
        server 127.0.0.1:{backend_port};
        keepalive 16384;
        keepalive_requests 1000000000;
        keepalive_timeout 1h;
    }}
    server {{
        listen 127.0.0.1:{port} {listen} reuseport backlog=4096;
        {certificate}
        location / {{
            proxy_pass http://backend;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_set_header Host $http_host;
            proxy_request_buffering off;
            proxy_buffer_size 64k;
            proxy_buffers 16 64k;
            proxy_busy_buffers_size 128k;
            proxy_max_temp_file_size 0;
        }}
    }}
}}
"""


def start_nginx(backend_port: int, directory: Path, http2: bool = False, tls: Tls | None = None) -> Started:
    """nginx before 1.25 speaks either HTTP/1.1 or HTTP/2 on a cleartext port, so `http2` is a server of its own."""
    name = "nginx" + "-http2" * http2 + "-tls" * (tls is not None)
    own = directory / name
    own.mkdir()
    port = free_port()
    conf = own / "nginx.conf"
    text = NGINX_CONF.format(
        workers=WORKERS,
        files=limits.files(),
        directory=own,
        port=port,
        listen="ssl http2" if tls else "http2" if http2 else "",
        certificate=f"ssl_certificate {tls.chain}; ssl_certificate_key {tls.key};" if tls else "",
        backend_port=backend_port,
    )
    conf.write_text(text)
    process = Process(name, ["nginx", "-p", str(own), "-c", str(conf), "-e", "stderr"], directory)
    return listening(process, port)


HAPROXY_CONF = """\
global
    nbthread {workers}
    maxconn {connections}
    # By default it closes idle connections to the backend when a fifth of its file descriptors is in use.
    tune.pool-high-fd-ratio 100
    tune.pool-low-fd-ratio 100
defaults
    mode http
    timeout connect 10s
    timeout client 1h
    timeout server 1h
    http-reuse always
frontend clients
    bind 127.0.0.1:{port} backlog 4096 {tls}
    default_backend backend
backend backend
    server backend 127.0.0.1:{backend_port} pool-max-conn 16384 pool-purge-delay 1h
"""


def start_haproxy(backend_port: int, directory: Path, tls: Tls | None = None) -> Started:
    port = free_port()
    name = "haproxy" + "-tls" * (tls is not None)
    conf = directory / f"{name}.conf"
    text = HAPROXY_CONF.format(
        workers=WORKERS,
        connections=limits.connections(),
        port=port,
        tls=f"ssl crt {tls.both} alpn h2,http/1.1" if tls else "",
        backend_port=backend_port,
    )
    conf.write_text(text)
    return listening(Process(name, ["haproxy", "-db", "-f", str(conf)], directory), port)


def start_envoy(envoy: Path, backend_port: int, directory: Path, wasm: Path | None) -> Started:
    name = "envoy-wasm" if wasm else "envoy"
    port = free_port()
    conf = directory / f"{name}.json"
    conf.write_text(json.dumps(_envoy_conf(port, backend_port, wasm)))
    command = [str(envoy), "--concurrency", str(WORKERS), "--disable-hot-restart", "--log-level", "error"]
    return listening(Process(name, [*command, "--config-path", str(conf)], directory), port)


def _envoy_conf(port: int, backend_port: int, wasm: Path | None) -> dict[str, object]:
    router = _typed(
        "envoy.filters.http.router", "envoy.extensions.filters.http.router.v3.Router", suppress_envoy_headers=True
    )
    manager = _typed(
        "envoy.filters.network.http_connection_manager",
        "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        stat_prefix="clients",
        generate_request_id=False,
        server_header_transformation="PASS_THROUGH",
        http_filters=[*([_envoy_wasm(wasm)] if wasm else []), router],
        route_config={
            "virtual_hosts": [
                {
                    "name": "all",
                    "domains": ["*"],
                    "routes": [{"match": {"prefix": "/"}, "route": {"cluster": "backend", "timeout": "0s"}}],
                }
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
