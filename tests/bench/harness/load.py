"""The load: h2load over HTTP/1.1 or HTTP/2 with a fixed number of requests, and what it saw."""

from __future__ import annotations

import math
import re
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Load:
    """What one run of h2load saw. Latencies in microseconds."""

    requests: int
    seconds: float
    p50: float
    p99: float

    @property
    def per_second(self) -> float:
        return self.requests / self.seconds


def run(url: str, requests: int, connections: int, per_second: int | None = None, streams: int | None = None) -> Load:
    """Sends `requests` requests over `connections` connections, each one after the other on its connection.

    With `per_second` each connection sends that many a second instead of as many as it can. With `streams` it is HTTP/2
    with prior knowledge, and so many at once on each connection.
    Raises if a single answer is missing or is no 2xx: a figure about failures would say nothing.
    """
    with tempfile.TemporaryDirectory(prefix="tollgate-load-") as directory:
        log = Path(directory) / "requests.log"
        output = _h2load(url, requests, connections, [f"--log-file={log}"], per_second, streams)
        latencies = sorted(int(line.split()[2]) for line in log.read_text().splitlines())
    succeeded = int(_find(r"(\d+) succeeded", output))
    good = int(_find(r"status codes: (\d+) 2xx", output))
    if min(succeeded, good) < requests:
        raise RuntimeError(f"{requests - min(succeeded, good)} of {requests} requests to {url} failed:\n{output}")
    seconds = _seconds(_find(r"finished in ([0-9.]+m?s)", output))
    return Load(requests, seconds, _percentile(latencies, 0.50), _percentile(latencies, 0.99))


def start_endless(url: str, connections: int, per_second: int, seconds: int) -> subprocess.Popen[bytes]:
    """Starts a paced side load that ends by itself after `seconds`; the caller ends it before."""
    command = ["h2load", "--h1", f"-c{connections}", f"--duration={seconds}", f"--rps={per_second}", url]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def _h2load(
    url: str, requests: int, connections: int, more: list[str], per_second: int | None, streams: int | None
) -> str:
    version = f"-m{streams}" if streams else "--h1"
    command = ["h2load", version, f"-n{requests}", f"-c{connections}", "-t1", *more]
    if per_second is not None:
        command.append(f"--rps={per_second}")
    done = subprocess.run([*command, url], capture_output=True, text=True, timeout=300)
    if done.returncode != 0:
        raise RuntimeError(f"h2load ended with {done.returncode}: {done.stderr}")
    return done.stdout


def _find(pattern: str, output: str) -> str:
    found = re.search(pattern, output)
    if found is None:
        raise RuntimeError(f"h2load printed no {pattern!r}:\n{output}")
    return found.group(1)


def _seconds(text: str) -> float:
    return float(text[:-2]) / 1000 if text.endswith("ms") else float(text[:-1])


def _percentile(ordered: list[int], share: float) -> float:
    return float(ordered[math.ceil(len(ordered) * share) - 1])
