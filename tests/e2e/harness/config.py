"""tollgate as a configuration file says it: the file is made of Python values, and a test may write it anew."""

import json
import os
import re
import shutil
import signal
import socket
import urllib.parse
from pathlib import Path

import pytest

from .process import Process
from .servers import TOLLGATE, built, environment, toml
from .waiting import until

READY = r"tollgate is ready: (https?://[^\s/]+:\d+)"


class Configured:
    """`tollgate run --config FILE` on a free port, in a directory of its own.

    `settings` are the file's tables and keys. `plugins` maps the names of plugin files, in chain order, to settings of
    the plugin add-header, of which each is a copy.
    """

    def __init__(self, directory, settings, plugins=None, arguments=(), ready=True):
        self.directory = Path(directory)
        (self.directory / "plugins").mkdir(parents=True)
        for name in plugins or {}:
            shutil.copyfile(built("add-header"), self.directory / "plugins" / f"{name}.wasm")
        self.config = self.directory / "tollgate.toml"
        self.config.write_text(self.document(settings, plugins))
        command = [TOLLGATE, "run", "--config", self.config, *arguments]
        self.process = Process("tollgate", command, env=environment(), cwd=self.directory)
        if ready:
            self.url = self.process.wait_for(READY, label="out").group(1)

    def document(self, settings, plugins=None):
        """The text of the file; `listen` and `plugins` are set unless the settings say otherwise."""
        base = {"listen": "127.0.0.1:0", "plugins": "plugins"}
        chain = {}
        for position, (name, values) in enumerate((plugins or {}).items()):
            chain[name] = {"order": (position + 1) * 10, "settings": values}
        return document({**base, **settings, **({"plugin": chain} if chain else {})})

    def rewrite(self, settings, plugins=None):
        """Puts another file in its place, in one step."""
        self.replace(self.document(settings, plugins))

    def replace(self, text):
        new = self.config.with_suffix(".new")
        new.write_text(text)
        os.replace(new, self.config)

    @property
    def address(self):
        """Host and port, for a socket."""
        parts = urllib.parse.urlsplit(self.url)
        return parts.hostname, parts.port

    @property
    def port(self):
        return self.address[1]

    def hang_up(self):
        """SIGHUP: the file is to be read now."""
        os.kill(self.process.pid, signal.SIGHUP)

    def log(self):
        """stderr so far."""
        return "\n".join(self.process.lines("err"))

    def logged(self, pattern, since=0):
        """Waits for a line of the log that the pattern is found in, and returns it."""

        def found():
            return next((line for line in self.process.lines("err")[since:] if re.search(pattern, line)), None)

        return until(found, f"the log has a line with {pattern!r}")

    def stop(self):
        return self.process.stop()


@pytest.fixture
def configured(tmp_path):
    """Starts a proxy: configured({"backend": url}, plugins={name: settings}), as often as a test wants."""
    started = []

    def start(settings, plugins=None, **more):
        proxy = Configured(tmp_path / f"configured-{len(started)}", settings, plugins, **more)
        started.append(proxy)
        return proxy

    yield start
    for each in started:
        each.stop()


def document(settings, path=()):
    """Tables and keys as TOML: a table of its own for each mapping, an array of tables for a list of mappings."""
    lines, tables = [], []
    for key, value in settings.items():
        here = (*path, key)
        if isinstance(value, dict):
            tables.append(f"\n[{heading(here)}]\n{document(value, here)}")
        elif isinstance(value, list) and value and all(isinstance(item, dict) for item in value):
            tables += [f"\n[[{heading(here)}]]\n{document(item, here)}" for item in value]
        else:
            lines.append(f"{bare(key)} = {toml(str(value) if isinstance(value, Path) else value)}\n")
    return "".join(lines + tables)


def heading(path):
    return ".".join(bare(key) for key in path)


def bare(key):
    return key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else json.dumps(key)


def free_port():
    """A port that nobody listens on now, for servers that can't choose one themselves."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
