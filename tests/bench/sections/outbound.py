"""Section `outbound`: CPU time of a plugin's outbound call beside the same call by bare hyper-util."""

from __future__ import annotations

import subprocess
from pathlib import Path

from harness.options import Options
from harness.proxies import TARGET
from harness.rounds import Spread
from harness.verdicts import Outcome, verdict

PROGRAM = TARGET / "release/outbound"
ROUNDS = 60
LIMIT = 1.3
SECONDS_PER_ROUND = 5


def run(options: Options, directory: Path) -> Outcome:
    rounds = (options.rounds or ROUNDS // 10) * 10
    done = subprocess.run(
        [PROGRAM, str(rounds)], capture_output=True, text=True, timeout=60 + rounds * SECONDS_PER_ROUND, check=False
    )
    if done.returncode:
        raise RuntimeError(done.stderr.strip())
    pairs = [tuple(map(float, line.split())) for line in done.stdout.splitlines()]
    bare, ours = (Spread.of([pair[which] for pair in pairs]) for which in (0, 1))
    ratios = [own / other for other, own in pairs]
    print("\nµs of CPU time per call, GET of 1 KiB")
    for name, spread in (("bare hyper-util", bare), ("a plugin's call", ours)):
        print(f"{name:26}{spread.median:9.2f}{f'{spread.low:.2f}-{spread.high:.2f}':>16}", flush=True)
    line = verdict("outbound call, x bare hyper-util", Spread.of(ratios), LIMIT)
    return Outcome([line], {"outbound": ratios})
