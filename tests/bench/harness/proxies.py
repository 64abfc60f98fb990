"""The proxies that are compared: tollgate, the bare hyper proxy, and the peers."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Callable

from harness import peers
from harness.process import Process, Started, announced

ROOT = Path(__file__).resolve().parents[3]
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")).absolute()

TOLLGATE = TARGET / "release/tollgate"
BARE_PROXY = TARGET / "release/bare-proxy"
ADD_HEADER = TARGET / "plugins/add-header.wasm"
ENVOY = TARGET / "bench/venv/bin/envoy"
ENVOY_FILTER = TARGET / "bench/envoy-filter.wasm"


@dataclass(frozen=True)
class Proxy:
    """`missing` tells why it can't run here and how to get it; `start` takes the backend's port and a directory."""

    name: str
    missing: Callable[[], str | None]
    start: Callable[[int, Path], Started]
    adds_field: bool = False
    """Whether a plugin or filter adds a field to every request and every response."""


def all_proxies() -> list[Proxy]:
    """The floor first."""
    return [
        _bare("hyper, stealing, own pool", "stealing", "own"),
        _bare("hyper, stealing, legacy", "stealing", "legacy"),
        _bare("hyper, per-core, own pool", "per-core", "own"),
        _tollgate(0),
        _tollgate(1),
        _tollgate(5),
        Proxy("nginx", _without_program("nginx"), peers.start_nginx),
        Proxy("haproxy", _without_program("haproxy"), peers.start_haproxy),
        Proxy("envoy", _without_files("make bench-envoy", ENVOY), _start_envoy),
        Proxy("envoy, wasm filter", _without_files("make bench-envoy", ENVOY, ENVOY_FILTER), _start_envoy_wasm, True),
    ]


def _without_program(name: str) -> Callable[[], str | None]:
    return lambda: None if shutil.which(name) else f"not installed; apt-get install {name}"


def _without_files(how: str, *files: Path) -> Callable[[], str | None]:
    def missing() -> str | None:
        absent = [file.name for file in files if not file.exists()]
        return f"no {' and no '.join(absent)}; {how}" if absent else None

    return missing


def _bare(name: str, shape: str, pool: str) -> Proxy:
    def start(backend_port: int, directory: Path) -> Started:
        return start_bare(shape, pool, backend_port, directory)

    return Proxy(name, _without_files("cargo build --release -p tollgate-bench", BARE_PROXY), start)


def start_bare(shape: str, pool: str, backend_port: int, directory: Path) -> Started:
    """Starts the bare hyper proxy in one of its shapes."""
    command = [str(BARE_PROXY), "--listen", "127.0.0.1:0", "--backend", f"127.0.0.1:{backend_port}"]
    command += ["--shape", shape, "--pool", pool, "--workers", str(peers.WORKERS)]
    return announced(Process(f"bare-{shape}-{pool}", command, directory))


def _tollgate(count: int) -> Proxy:
    def start(backend_port: int, directory: Path) -> Started:
        plugins = directory / f"tollgate-{count}/plugins"
        plugins.mkdir(parents=True)
        for number in range(count):
            shutil.copy(ADD_HEADER, plugins / f"add-header-{number}.wasm")
        return start_tollgate(f"tollgate-{count}", backend_port, plugins, directory)

    name = f"tollgate, {count} plugin{'' if count == 1 else 's'}"
    return Proxy(name, _without_files("make build plugins", TOLLGATE, ADD_HEADER), start, count > 0)


def start_tollgate(name: str, backend_port: int, plugins: Path, directory: Path, more: tuple[str, ...] = ()) -> Started:
    """Starts tollgate on a port of its choice with the plugins of one directory and an empty cache."""
    command = [str(TOLLGATE), "run", "--listen", "127.0.0.1:0", "--backend", f"http://127.0.0.1:{backend_port}"]
    command += ["--workers", str(peers.WORKERS), "--plugins", str(plugins)]
    command += ["--cache-dir", str(directory / f"{name}-cache"), *more]
    return announced(Process(name, command, directory))


def _start_envoy(backend_port: int, directory: Path) -> Started:
    return peers.start_envoy(ENVOY, backend_port, directory, None)


def _start_envoy_wasm(backend_port: int, directory: Path) -> Started:
    return peers.start_envoy(ENVOY, backend_port, directory, ENVOY_FILTER)
