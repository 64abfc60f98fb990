"""The proxies that are compared: tollgate, the peers, and bare proxies that do nothing else."""

from __future__ import annotations

import os
import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Callable

from harness import callgrind, peers
from harness.process import READY_SECONDS, Process, Started, announced, free_port, listening

ROOT = Path(__file__).resolve().parents[3]
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")).absolute()

TOLLGATE = Path(os.environ.get("TOLLGATE", TARGET / "release/tollgate"))
BARE_PROXY = TARGET / "release/bare-proxy"
ADD_HEADER = TARGET / "plugins/add-header.wasm"
ENVOY = TARGET / "bench/venv/bin/envoy"
ENVOY_FILTER = TARGET / "bench/envoy-filter.wasm"

COUNTED_READY_SECONDS = 300.0
"""Under callgrind plugins take some 30 times longer to compile."""
OPTIMIZED_SECONDS = 300.0


@dataclass(frozen=True)
class Proxy:
    """`missing` tells why it can't run here and how to get it; `start` takes the backend's port and a directory."""

    name: str
    missing: Callable[[], str | None]
    start: Callable[[int, Path], Started]
    adds_field: bool = False
    """Whether a plugin or filter adds a field to every request and every response."""
    counted: Callable[[int, Path], Started] | None = None
    """As `start`, but under callgrind; none for proxies whose instructions are not counted."""


def all_proxies() -> list[Proxy]:
    """The yardsticks first."""
    return [
        Proxy("nginx", _without_program("nginx"), peers.start_nginx),
        Proxy("haproxy", _without_program("haproxy"), peers.start_haproxy),
        tollgate(0),
        tollgate(1),
        *_floor(),
        _bare("hyper, own pool", "stealing", "own"),
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


def _floor() -> list[Proxy]:
    """A bare proxy from outside the project, if the environment names one: `FLOOR steal LISTEN BACKEND`."""
    program = os.environ.get("FLOOR")
    if not program:
        return []

    def start(backend_port: int, directory: Path, under: tuple[str, ...] = ()) -> Started:
        port = free_port()
        command = [*under, program, "steal", f"127.0.0.1:{port}", f"127.0.0.1:{backend_port}"]
        return listening(Process("floor", command, directory), port)

    def counted(backend_port: int, directory: Path) -> Started:
        return start(backend_port, directory, callgrind.prefix(directory, "floor"))

    return [Proxy("floor", _without_files("correct the variable FLOOR", Path(program)), start, counted=counted)]


def tollgate(count: int, matching: bool = True) -> Proxy:
    """tollgate with so many copies of `add-header`. Either all take part in every exchange, or their rules match none."""
    name = f"tollgate-{count}" if matching else f"tollgate-{count}-elsewhere"

    def start(backend_port: int, directory: Path, under: tuple[str, ...] = ()) -> Started:
        plugins = directory / f"{name}/plugins"
        plugins.mkdir(parents=True)
        for number in range(count):
            shutil.copy(ADD_HEADER, plugins / f"add-header-{number}.wasm")
        more = ("--log", "info,tollgate::plugin::supervise=debug") if count else ()
        if not matching:
            config = directory / f"{name}/tollgate.toml"
            config.write_text("".join(ELSEWHERE.format(number=number) for number in range(count)))
            more = (*more, "--config", str(config))
        process, port = start_tollgate(name, backend_port, plugins, directory, more, under)
        process.wait(lambda: True if len(optimized(process.log())) == count else None, OPTIMIZED_SECONDS, OPTIMIZED)
        return process, port

    def counted(backend_port: int, directory: Path) -> Started:
        return start(backend_port, directory, callgrind.prefix(directory, name))

    title = f"tollgate, {count} plugin{'' if count == 1 else 's'}{'' if matching else ' elsewhere'}"
    missing = _without_files("make build plugins", TOLLGATE, *([ADD_HEADER] if count else []))
    return Proxy(title, missing, start, count > 0 and matching, counted)


OPTIMIZED = "serve all its plugins with optimized code"


def optimized(log: str) -> set[str]:
    """Names of the plugins that serve with code of the optimizing compiler, which replaces the quick one's after a while."""
    return set(re.findall(r"plugin (\S+): version \S+ serves \(optimized\)", log))


ELSEWHERE = """\
[plugin.add-header-{number}]
match = {{ path = "/elsewhere/{number}/**" }}
"""


def start_tollgate(
    name: str,
    backend_port: int,
    plugins: Path,
    directory: Path,
    more: tuple[str, ...] = (),
    under: tuple[str, ...] = (),
) -> Started:
    """Starts tollgate on a port of its choice with the plugins of one directory. The cache is that of all in `directory`.

    `under` is a command that runs it, as valgrind does.
    """
    command = [*under, str(TOLLGATE), "run", "--listen", "127.0.0.1:0", "--backend", f"http://127.0.0.1:{backend_port}"]
    command += ["--workers", str(peers.WORKERS), "--plugins", str(plugins)]
    command += ["--cache-dir", str(directory / "cache"), *more]
    within = COUNTED_READY_SECONDS if under else READY_SECONDS
    return announced(Process(name, command, directory), within)


def _start_envoy(backend_port: int, directory: Path) -> Started:
    return peers.start_envoy(ENVOY, backend_port, directory, None)


def _start_envoy_wasm(backend_port: int, directory: Path) -> Started:
    return peers.start_envoy(ENVOY, backend_port, directory, ENVOY_FILTER)
