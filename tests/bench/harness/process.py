"""Processes under test: started, found ready, measured, ended.

CPU time comes from `/proc/PID/task/*/schedstat`, which counts nanoseconds; `utime` and `stime` count ticks of 10 ms.
"""

from __future__ import annotations

import re
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Callable

READY_SECONDS = 60.0
ENDED_SECONDS = 10.0
WAIT_POLL_SECONDS = 0.0005
"""Short, because `start` measures the time until a process serves."""
SERVE = "serve"
QUIET_WINDOW_SECONDS = 0.25
QUIET_SHARE = 0.05


@dataclass(frozen=True)
class Usage:
    """What a tree of processes has used since it was started."""

    cpu_seconds: float
    voluntary_switches: int
    involuntary_switches: int

    def __sub__(self, before: Usage) -> Usage:
        return Usage(
            self.cpu_seconds - before.cpu_seconds,
            self.voluntary_switches - before.voluntary_switches,
            self.involuntary_switches - before.involuntary_switches,
        )


class Process:
    """A server that runs in the foreground, and all that it forks. Ends with the `with` block."""

    def __init__(self, name: str, command: list[str], directory: Path) -> None:
        self.name = name
        self._log = directory / f"{name}.log"
        with open(self._log, "wb") as log:
            self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def __enter__(self) -> Process:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def pid(self) -> int:
        return self._process.pid

    def log(self) -> str:
        return self._log.read_text(errors="replace")

    def stop(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(ENDED_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def check_running(self) -> None:
        """Raises with the end of its log if the process has ended."""
        if self._process.poll() is not None:
            raise RuntimeError(f"{self.name} ended with {self._process.returncode}: {self.log()[-2000:]}")

    def wait_until_quiet(self, within: float) -> None:
        """Waits until the process uses hardly any CPU time: until it has nothing left to do in the background."""
        deadline = time.monotonic() + within
        while time.monotonic() < deadline:
            before = self.usage()
            time.sleep(QUIET_WINDOW_SECONDS)
            if (self.usage() - before).cpu_seconds < QUIET_SHARE * QUIET_WINDOW_SECONDS:
                return
        raise RuntimeError(f"{self.name} is still busy after {within:.0f} s: {self.log()[-2000:]}")

    def wait(self, found: Callable[[], int | None], within: float, what: str) -> int:
        """Waits until `found` finds something. Stops the process and raises if it ends before or doesn't do `what`."""
        deadline = time.monotonic() + within
        try:
            while time.monotonic() < deadline:
                result = found()
                if result is not None:
                    return result
                self.check_running()
                time.sleep(WAIT_POLL_SECONDS)
            raise RuntimeError(f"{self.name} does not {what} within {within:.0f} s: {self.log()[-2000:]}")
        except RuntimeError:
            self.stop()
            raise

    def usage(self) -> Usage:
        """What the process, its threads and its descendants have used."""
        self.check_running()
        cpu, voluntary, involuntary = 0, 0, 0
        for pid in _tree(self.pid):
            for task in Path(f"/proc/{pid}/task").glob("*"):
                try:
                    status, schedule = (task / "status").read_text(), (task / "schedstat").read_text()
                except (FileNotFoundError, ProcessLookupError):
                    continue  # The thread has ended since.
                cpu += int(schedule.split()[0])
                voluntary += _counter(status, "voluntary_ctxt_switches")
                involuntary += _counter(status, "nonvoluntary_ctxt_switches")
        return Usage(cpu / 1e9, voluntary, involuntary)

    def resident_kib(self) -> int:
        """`VmRSS` of the process and its descendants."""
        return self._sum_kib("VmRSS")

    def peak_kib(self) -> int:
        """The highest `VmRSS` since the start or `forget_peak`; of descendants the sum of each one's."""
        return self._sum_kib("VmHWM")

    def forget_peak(self) -> None:
        """Sets the peak to what is resident now (proc(5), `/proc/PID/clear_refs`)."""
        for pid in _tree(self.pid):
            Path(f"/proc/{pid}/clear_refs").write_text("5")

    def _sum_kib(self, field: str) -> int:
        return sum(_counter(Path(f"/proc/{pid}/status").read_text(), field) for pid in _tree(self.pid))

    def status_kib(self, field: str) -> int:
        """A size in KiB out of `/proc/PID/status`: `VmRSS`, `VmHWM`."""
        return _counter(Path(f"/proc/{self.pid}/status").read_text(), field)

    def open_files(self) -> int:
        return sum(1 for _ in Path(f"/proc/{self.pid}/fd").iterdir())

    def threads(self) -> int:
        return sum(1 for _ in Path(f"/proc/{self.pid}/task").iterdir())


def _counter(status: str, field: str) -> int:
    found = re.search(rf"^{field}:\s+(\d+)", status, re.MULTILINE)
    if found is None:
        raise KeyError(f"/proc/PID/status has no {field}")
    return int(found.group(1))


def _tree(root: int) -> list[int]:
    """The process and its descendants."""
    children: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        children.setdefault(int(fields[1]), []).append(int(stat.parent.name))
    found = [root]
    for pid in found:
        found.extend(children.get(pid, []))
    return found


Started = tuple[Process, int]
"""A process and the port on which it serves."""


def announced(process: Process, within: float = READY_SECONDS) -> Started:
    """Waits for the process to print a line with `http://ADDRESS:PORT` (or https)."""

    def found() -> int | None:
        line = re.search(r"https?://[^\s/]+:(\d+)", process.log())
        return int(line.group(1)) if line else None

    return process, process.wait(found, within, SERVE)


def listening(process: Process, port: int) -> Started:
    """Waits until something accepts connections on the port."""

    def accepted() -> int | None:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            return None
        return port

    return process, process.wait(accepted, READY_SECONDS, SERVE)


def free_port() -> int:
    """A port that nobody listens on now, for servers that can't choose one themselves."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
