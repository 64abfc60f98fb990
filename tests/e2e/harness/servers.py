"""The servers that most tests need: moto's as the backend, tollgate before it."""

import os
import shutil
import sys
import urllib.parse
from pathlib import Path

from .process import Process

REPOSITORY = Path(__file__).resolve().parents[3]
TOLLGATE = Path(os.environ.get("E2E_TOLLGATE", REPOSITORY / "target/release/tollgate"))
PLUGINS = Path(os.environ.get("E2E_PLUGINS", REPOSITORY / "target/plugins"))
# Those of plugins/build-python.sh.
PYTHON_PLUGINS = REPOSITORY / "target/plugins-python"
# Plugins in WebAssembly text, one behaviour a file; tollgate loads them as they are.
GUESTS = REPOSITORY / "tests/guests"

# Where conftest.py says that compiled plugins are kept, so that each is compiled once a session.
CACHE_DIRECTORY = "TOLLGATE_CACHE_DIR"

READY = r"(https?://[^\s/]+:\d+)"


class Moto:
    """`moto_server` on a free port. It closes each connection after one response."""

    def __init__(self, **environment):
        env = {
            **os.environ,
            "MOTO_EC2_LOAD_DEFAULT_AMIS": "false",
            "PYTHONUNBUFFERED": "1",
            **environment,
        }
        script = Path(sys.executable).with_name("moto_server")
        self.process = Process("moto_server", [script, "-H", "127.0.0.1", "-p", "0"], env=env)
        self.url = self.process.wait_for(rf"Running on {READY}").group(1)

    def log(self):
        """Its access log so far, a line for each request: … "GET /bucket/key HTTP/1.1" 200 -"""
        return self.process.lines("err")

    def stop(self):
        self.process.stop()


class Tollgate:
    """`tollgate run` with plugins from a directory of its own."""

    def __init__(self, backend, directory, plugins=None, config="", arguments=(), env=None):
        """`plugins` maps names of built plugins or of tests/guests, in chain order, to their settings.

        `config` stands behind the plugins' tables; `backend` may be None when it names one.
        """
        directory = Path(directory)
        self.plugins = directory / "plugins"
        self.plugins.mkdir(parents=True)
        for name in plugins or {}:
            guest = GUESTS / f"{name}.wat"
            source = guest if guest.exists() else built(name)
            shutil.copyfile(source, self.plugins / f"{name}{source.suffix}")
            schema = source.with_suffix(".schema.json")
            if schema.exists():
                shutil.copyfile(schema, self.plugins / schema.name)
        self.config = directory / "tollgate.toml"
        self.config.write_text(configuration(plugins or {}) + config)
        command = [TOLLGATE, "run", "--listen", "127.0.0.1:0", "--plugins", self.plugins, "--config", self.config]
        command += [*(["--backend", backend] if backend else []), *arguments]
        self.process = Process("tollgate", command, env={**environment(), **(env or {})})
        self.url = self.process.wait_for(rf"tollgate is ready: {READY}", label="out").group(1)

    @property
    def address(self):
        """Host and port, for a socket."""
        parts = urllib.parse.urlsplit(self.url)
        return parts.hostname, parts.port

    def log(self):
        """stderr so far."""
        return "\n".join(self.process.lines("err"))

    def stop(self):
        return self.process.stop()


def environment():
    """The environment of a tollgate under test: nothing of this machine's steers it but the cache directory, and how plugins are
    linked (TOLLGATE_LINKING=component)."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TOLLGATE_")}
    kept["NO_COLOR"] = "1"
    for name in (CACHE_DIRECTORY, "TOLLGATE_LINKING"):
        if name in os.environ:
            kept[name] = os.environ[name]
    return kept


def built(name):
    """The file that `make plugins`, or `make plugins-python`, made of plugins/<name>."""
    python = (REPOSITORY / "plugins" / name / "plugin.py").exists()
    path = (PYTHON_PLUGINS if python else PLUGINS) / f"{name}.wasm"
    if not path.exists():
        raise FileNotFoundError(f"{path} is missing: run `make {'plugins-python' if python else 'plugins'}`")
    return path


def configuration(plugins):
    """The configuration of a chain, in the order of the mapping."""
    text = ""
    for position, (name, settings) in enumerate(plugins.items()):
        text += f'[plugin."{name}"]\norder = {(position + 1) * 10}\nsettings = {toml(settings)}\n\n'
    return text


def toml(value):
    """A value as inline TOML."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return repr(value)
    if isinstance(value, str):
        escaped = value.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{escaped}"'
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(toml(item) for item in value) + "]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{toml(str(key))} = {toml(item)}" for key, item in value.items()) + "}"
    raise TypeError(f"no TOML for {value!r}")
