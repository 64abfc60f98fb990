"""A server under test as a child process: its output is kept, its readiness is read from it, and it always ends."""

import re
import signal
import subprocess
import threading

from .waiting import until

# Every process that is alive or ended during the running test; conftest.py shows their output when it fails.
ALL = []


class Process:
    """Starts `command` and collects stdout and stderr line by line, without colours."""

    def __init__(self, name, command, env=None, cwd=None):
        self.name = name
        self._lines = []
        self._marked = 0
        self._popen = subprocess.Popen(
            [str(part) for part in command],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=env,
            cwd=cwd,
            start_new_session=True,
        )
        self._readers = [
            threading.Thread(target=self._read, args=(stream, label), daemon=True)
            for stream, label in ((self._popen.stdout, "out"), (self._popen.stderr, "err"))
        ]
        for reader in self._readers:
            reader.start()
        ALL.append(self)

    def _read(self, stream, label):
        for line in stream:
            text = re.sub(r"\x1b\[[0-9;]*m", "", line.decode(errors="replace").rstrip("\n"))
            self._lines.append((label, text))

    def lines(self, label=None):
        """The lines so far, of stdout ("out"), stderr ("err") or both."""
        return [line for where, line in list(self._lines) if label in (None, where)]

    def mark(self):
        """From here on is what `output` shows."""
        self._marked = len(self._lines)

    def output(self, last=150):
        """What it wrote since the mark, for a person to read."""
        lines = [f"{label}| {line}" for label, line in self._lines[self._marked :]]
        left_out = len(lines) - last
        if left_out > 0:
            lines = [f"({left_out} lines left out)"] + lines[-last:]
        return "\n".join(lines)

    def wait_for(self, pattern, label=None, seconds=60.0):
        """The first match of `pattern` in a line; fails at once when the process ends before it comes."""

        def found():
            ended = not self.alive()
            for line in self.lines(label):
                match = re.search(pattern, line)
                if match:
                    return match
            if ended:
                self._join_readers()
                raise AssertionError(
                    f"{self.name} ended with {self._popen.returncode} before it wrote {pattern!r}"
                )
            return None

        return until(found, f"{self.name} wrote {pattern!r}", seconds)

    @property
    def pid(self):
        return self._popen.pid

    def alive(self):
        return self._popen.poll() is None

    def terminate(self):
        """SIGTERM; returns at once."""
        self._popen.send_signal(signal.SIGTERM)

    def wait(self, seconds=30.0):
        """Waits for its end; returns the exit status."""
        try:
            status = self._popen.wait(seconds)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"{self.name} still runs {seconds:g} s later") from None
        self._join_readers()
        return status

    def stop(self):
        """Ends it in any case: SIGTERM, then SIGKILL. Returns the exit status."""
        if self.alive():
            self.terminate()
            try:
                self._popen.wait(10)
            except subprocess.TimeoutExpired:
                self._popen.kill()
                self._popen.wait()
        self._join_readers()
        return self._popen.returncode

    def _join_readers(self):
        for reader in self._readers:
            reader.join(5)
