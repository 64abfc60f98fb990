"""Section `transfer`: how much more memory a proxy takes while 1 GiB goes through it, either way.

The receiver rests in the middle, as slow ones do: what a proxy then buffers is seen in its peak.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import time
from contextlib import ExitStack
from pathlib import Path

from harness import peers, rounds
from harness.options import Options
from harness.process import Started
from harness.proxies import TOLLGATE as BINARY
from harness.proxies import all_proxies, start_tollgate
from harness.rounds import Spread
from harness.streams import REST_SECONDS, Streams
from harness.verdicts import Outcome, verdict

ROUNDS = 3
SIZE = 1 << 30
TOLLGATE = "tollgate"
LIMIT_MIB = 8.0
WAYS = ("h1, down", "h1, up", "h2, down", "h2, up")


def run(options: Options, directory: Path) -> Outcome:
    if shutil.which("curl") is None:
        print("skipped: curl is not installed; apt-get install curl")
        return Outcome()
    names = [name for name in (TOLLGATE, "nginx", "haproxy") if re.search(options.proxies, name)]
    samples: dict[str, dict[str, list[float]]] = {way: {name: [] for name in names} for way in WAYS}
    seconds: dict[str, dict[str, list[float]]] = {way: {name: [] for name in names} for way in WAYS}
    upload = directory / "upload"
    with upload.open("wb") as file:
        file.truncate(SIZE)
    with ExitStack() as stack:
        streams = stack.enter_context(Streams(SIZE))
        for turn in range(options.rounds or ROUNDS):
            for way in WAYS:
                for name in rounds.order(names, turn):
                    own = directory / f"{turn}-{way.replace(', ', '-')}-{name}"
                    own.mkdir()
                    started = start(name, way, streams.port, own)
                    if started is not None:
                        began = time.monotonic()
                        samples[way][name].append(measure(started, way, upload))
                        seconds[way][name].append(time.monotonic() - began)
    found = {way: {name: each for name, each in of_way.items() if each} for way, of_way in samples.items()}
    print_table(found, seconds)
    return Outcome(judge(found), dict(found))


def start(name: str, way: str, origin_port: int, directory: Path) -> Started | None:
    """The proxy as `way` wants it; none if it isn't there."""
    if name == TOLLGATE:
        if not BINARY.exists():
            return None
        plugins = directory / "plugins"
        plugins.mkdir()
        return start_tollgate(name, origin_port, plugins, directory)
    if any(proxy.name == name and proxy.missing() for proxy in all_proxies()):
        return None
    if name == "nginx":
        return peers.start_nginx(origin_port, directory, http2=way.startswith("h2"))
    return peers.start_haproxy(origin_port, directory)


def measure(started: Started, way: str, upload: Path) -> float:
    """MiB by which the resident memory grew at most."""
    process, port = started
    with process:
        # A first, short exchange, so that what is needed once is there.
        transfer(port, way, upload, size=1 << 20)
        process.forget_peak()
        before = process.peak_kib()
        transfer(port, way, upload, size=SIZE)
        # The kernel counts pages thread by thread and adds them up later: a peak can seem to lie below its beginning.
        return max(0, process.peak_kib() - before) / 1024


def transfer(port: int, way: str, upload: Path, size: int) -> None:
    """One exchange with curl; raises unless every byte went through."""
    url = f"http://127.0.0.1:{port}/"
    command = ["curl", "-sS", "--max-time", "120", "--http2-prior-knowledge" if way.startswith("h2") else "--http1.1"]
    if way.endswith("down"):
        with subprocess.Popen([*command, "--fail", f"{url}{size}"], stdout=subprocess.PIPE) as client:
            got = read_with_rest(client, size)
        status = client.returncode
    else:
        with subprocess.Popen(["head", "-c", str(size), str(upload)], stdout=subprocess.PIPE) as source:
            command += ["--fail", "-T", "-", "-H", "expect:", url]
            done = subprocess.run(command, stdin=source.stdout, stdout=subprocess.PIPE, text=True, timeout=150)
        got, status = int(done.stdout or 0), done.returncode
    if (got, status) != (size, 0):
        raise RuntimeError(f"{way}: {got} of {size} bytes, and curl ended with {status}")


def read_with_rest(client: subprocess.Popen[bytes], size: int) -> int:
    """Reads what curl writes, and rests in the middle of a long body, so that curl has to stop reading, too."""
    assert client.stdout is not None
    got, rested = 0, size < SIZE
    while piece := client.stdout.read(1 << 18):
        got += len(piece)
        if not rested and got >= size // 2:
            rested = True
            time.sleep(REST_SECONDS)
    return got


def print_table(samples: dict[str, dict[str, list[float]]], seconds: dict[str, dict[str, list[float]]]) -> None:
    print("\nMiB by which resident memory grows at its peak while 1 GiB goes through, and the seconds it takes")
    names = list(next(iter(samples.values())))
    print(f"{'':26}" + "".join(f"{name:>10}{'quartiles':>14}{'s':>6}" for name in names))
    for way, of_way in samples.items():
        row = f"{way:26}"
        for name in names:
            spread = Spread.of(of_way[name])
            row += f"{spread.median:10.2f}{f'{spread.low:.2f}-{spread.high:.2f}':>14}"
            row += f"{Spread.of(seconds[way][name]).median:6.1f}"
        print(row, flush=True)


def judge(samples: dict[str, dict[str, list[float]]]) -> list[str]:
    return [
        verdict(f"1 GiB {way}, peak memory, MiB more", Spread.of(of_way[TOLLGATE]), LIMIT_MIB)
        for way, of_way in samples.items()
        if TOLLGATE in of_way
    ]
