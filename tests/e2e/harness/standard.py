"""Standard components as plugins, under any names, in one chain with our own plugins."""

import functools
import os
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from .config import document
from .process import Process
from .servers import GUESTS, READY, REPOSITORY, TOLLGATE, Tollgate, built, environment

# Where tests/stock/build.sh puts what it builds.
COMPONENTS = Path(os.environ.get("E2E_STOCK", REPOSITORY / "target/stock"))

MIDDLEWARE, SERVICE, PROXY = "stock-middleware", "stock-service", "stock-proxy"


@dataclass
class Plugin:
    """A file in the plugins directory, and its table in the configuration."""

    suffix: str
    # None for a plugin that has a table and no file.
    content: bytes | None
    table: dict = field(default_factory=dict)


def standard(name, **table):
    """A component that tests/stock/build.sh built; underscores in the keys of its table stand for hyphens."""
    return Plugin(".wasm", component(name), hyphens(table))


def mark(letters):
    """Our own plugin that appends `x-mark` with these four letters to request and response."""
    assert len(letters) == 4
    text = (GUESTS / "mark.wat").read_text()
    return Plugin(".wat", text.replace('"v000"', f'"{letters}"').encode())


def guest(name, **table):
    """Our own plugin of tests/guests."""
    return Plugin(".wat", (GUESTS / f"{name}.wat").read_bytes(), hyphens(table))


def ours(name, **table):
    """Our own plugin of plugins/."""
    return Plugin(".wasm", built(name).read_bytes(), hyphens(table))


def hyphens(table):
    return {key.replace("_", "-"): value for key, value in table.items()}


def component(name):
    """The bytes of a standard component; the test is skipped where it isn't built."""
    path = COMPONENTS / f"{name}.wasm"
    if not path.exists():
        pytest.skip(f"{path} is missing: run make stock")
    return path.read_bytes()


@functools.cache
def serves_standard_components():
    arguments = [TOLLGATE, "run", "--help"]
    shown = subprocess.run(arguments, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=30)
    return "--standard-components" in shown.stdout


class Chain(Tollgate):
    """`tollgate run` with plugins of all worlds: `plugins` maps names, in chain order, to `Plugin`s.

    `settings` are further keys and tables of the configuration.
    """

    def __init__(self, backend, directory, plugins, settings=None, arguments=("--standard-components",), env=None):
        if not serves_standard_components():
            pytest.skip(f"{TOLLGATE} has no --standard-components")
        directory = Path(directory)
        self.plugins = directory / "plugins"
        self.plugins.mkdir(parents=True)
        tables = {}
        for position, (name, plugin) in enumerate(plugins.items()):
            if plugin.content is not None:
                self.place(name, plugin)
            tables[name] = {"order": (position + 1) * 10, **plugin.table}
        self.config = directory / "tollgate.toml"
        settings = {"listen": "127.0.0.1:0", "backend": backend, "plugins": self.plugins, **(settings or {})}
        self.config.write_text(document({**settings, "plugin": tables}))
        command = [TOLLGATE, "run", "--config", self.config, *arguments]
        self.process = Process("tollgate", command, env={**environment(), **(env or {})})
        self.url = self.process.wait_for(READY, label="out").group(1)

    def place(self, name, plugin):
        """Puts a plugin's file in its place, in one step."""
        path = self.plugins / f"{name}{plugin.suffix}"
        new = path.with_suffix(".new")
        new.write_bytes(plugin.content)
        os.replace(new, path)


@pytest.fixture
def chained(tmp_path):
    """Starts a proxy: chained(backend_url, {name: standard("stock-middleware")}), as often as a test wants."""
    started = []

    def start(backend, plugins, **more):
        proxy = Chain(backend, tmp_path / f"chained-{len(started)}", plugins, **more)
        started.append(proxy)
        return proxy

    yield start
    for each in started:
        each.stop()
