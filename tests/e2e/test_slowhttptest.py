"""slowhttptest (Debian's package), the tool for slow attacks: others are served throughout, slow heads are dropped.

It runs for some 15 seconds, in all its modes at once, each against a proxy of its own with default times.
"""

import csv
import shutil
import subprocess
import threading

import pytest
from conftest import MARK, add_header
from harness.client import Client
from harness.origin import Origin, answer
from harness.servers import Tollgate

BODY = b"x" * 1_000_000
CONNECTIONS = 100
SECONDS = 15
# The default header-timeout is 10 s. The tool opens its sockets in two seconds and looks at them once a second.
DROPPED_WITHIN = 14

MODES = {
    "slow heads": ["-H", "-i", "2", "-x", "10"],
    "slow bodies": ["-B", "-i", "2", "-x", "10", "-s", "100000"],
    "slow readers": ["-X", "-w", "64", "-y", "128", "-z", "16", "-n", "2", "-k", "2"],
    "ranges": ["-R", "-a", "1", "-b", "500"],
}


class Prober(threading.Thread):
    """A client beside the attack: a new connection for each request, one after the other, until it is stopped."""

    def __init__(self, proxy):
        super().__init__(daemon=True)
        self.proxy = proxy
        self.served = 0
        self.failures = []
        self.stopped = threading.Event()

    def run(self):
        while not self.stopped.wait(0.05):
            try:
                with Client(self.proxy.address, seconds=5) as client:
                    response = client.request("HEAD", "/probe", "connection: close")
                assert response.status == 200 and response.get(MARK), response
                self.served += 1
            except (OSError, EOFError, AssertionError) as error:
                self.failures.append(repr(error))


class Attack:
    """One run of the tool with a prober beside it."""

    def __init__(self, program, proxy, directory, arguments):
        self.prober = Prober(proxy)
        self.prober.start()
        self.table = directory / "attack.csv"
        command = [program, *arguments, "-c", CONNECTIONS, "-r", 50, "-l", SECONDS, "-p", 3, "-u", proxy.url + "/"]
        command += ["-g", "-o", directory / "attack"]
        self._process = subprocess.Popen(
            [str(part) for part in command],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=directory,
        )

    def finish(self):
        self.output, _ = self._process.communicate(timeout=SECONDS + 30)
        self.prober.stopped.set()
        self.prober.join(10)

    def kill(self):
        if self._process.poll() is None:
            self._process.kill()
            self._process.communicate()
        self.prober.stopped.set()

    def rows(self):
        """The tool's own statistics, a row for each second."""
        with self.table.open(newline="") as file:
            lines = [row for row in csv.DictReader(file, skipinitialspace=True)]
        return [{name.strip(): int(value) for name, value in row.items() if name and value} for row in lines]


@pytest.fixture(scope="module")
def attacks(tmp_path_factory):
    program = shutil.which("slowhttptest")
    if not program:
        pytest.skip(
            "slowhttptest is not installed (tests/e2e/setup.sh does it as root); or: sudo apt-get install slowhttptest"
        )
    backend = Origin(
        answer(
            lambda r: (
                b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % len(BODY) + (b"" if r.method == "HEAD" else BODY)
            )
        )
    )
    proxies, runs = [], {}
    try:
        for mode, arguments in MODES.items():
            directory = tmp_path_factory.mktemp(mode.replace(" ", "-"))
            proxies.append(Tollgate(backend.url, directory / "tollgate", add_header()))
            runs[mode] = Attack(program, proxies[-1], directory, arguments)
        for run in runs.values():
            run.finish()
        yield runs
    finally:
        for run in runs.values():
            run.kill()
        for proxy in proxies:
            proxy.stop()
        backend.stop()


@pytest.mark.parametrize("mode", MODES)
def test_others_are_served_throughout(attacks, mode):
    attack = attacks[mode]
    assert attack.rows(), attack.output
    assert attack.prober.failures == [], f"beside {mode}: {attack.prober.failures[:3]}"
    assert attack.prober.served > 20


def test_slow_heads_are_dropped(attacks):
    """All of them are closed within the default header-timeout, though each keeps sending: the tool gives up early."""
    attack = attacks["slow heads"]
    rows = attack.rows()
    assert max(row["Connected"] for row in rows) > CONNECTIONS // 2, f"the attack never came about: {rows}"
    assert "No open connections left" in attack.output, rows[-3:]
    assert rows[-1]["Seconds"] <= DROPPED_WITHIN, rows
