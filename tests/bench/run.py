#!/usr/bin/env python3
"""What does tollgate cost? Compares it with nginx, HAProxy, bare hyper and Envoy behind the same load.

The main figure is the CPU time per request of the proxy's processes: on a machine that the load, the proxy and the
backend share, requests per second say as much about the other two. README.md tells how to read the tables.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path

from harness import backend, limits
from harness.options import Options
from sections import bodies, chain, connections, http2, idle, instructions, outbound, record, requests, start, transfer

SECTIONS = {
    "requests": requests.run,
    "http2": http2.run,
    "chain": chain.run,
    "instructions": instructions.run,
    "connections": connections.run,
    "idle": idle.run,
    "transfer": transfer.run,
    "start": start.run,
    "bodies": bodies.run,
    "outbound": outbound.run,
    "record": record.run,
}


def main() -> int:
    args = parse_args()
    options = Options(args.rounds, args.seconds, args.proxies, args.bodies.split(","))
    limits.raise_files()
    verdicts: list[str] = []
    samples: dict[str, object] = {}
    failed: list[str] = []
    for name in args.only.split(",") if args.only else SECTIONS:
        print(f"\n== {name}", flush=True)
        with tempfile.TemporaryDirectory(prefix="tollgate-bench-") as directory:
            try:
                outcome = SECTIONS[name](options, Path(directory))
            except RuntimeError as error:
                # What other sections measure in half an hour is not lost.
                print(f"section {name} failed: {error}", file=sys.stderr)
                failed.append(name)
                continue
        verdicts += outcome.verdicts
        samples[name] = outcome.samples
    if verdicts:
        print("\ntargets")
    for verdict in verdicts:
        print(verdict)
    if args.json:
        result = {"samples": samples, "targets": [line.strip() for line in verdicts]}
        args.json.write_text(json.dumps(result, indent=1) + "\n")
    return 1 if failed else 0


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", metavar="NAME", help=f"sections, out of {','.join(SECTIONS)}")
    parser.add_argument("--proxies", default="", metavar="REGEX", help="proxies whose name matches")
    parser.add_argument("--rounds", type=int, help="how often each proxy has its turn (default: 9 to 1, see README.md)")
    parser.add_argument("--seconds", type=float, default=1.5, help="length of a turn (default 1.5)")
    parser.add_argument("--bodies", default="1KiB,64KiB,1MiB", help="sizes in `requests`, out of 1KiB,64KiB,1MiB")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every sample here")
    args = parser.parse_args()
    choose(parser, "--bodies", args.bodies, list(backend.SIZES))
    if args.only:
        choose(parser, "--only", args.only, list(SECTIONS))
    return args


def choose(parser: argparse.ArgumentParser, option: str, given: str, known: list[str]) -> None:
    unknown = set(given.split(",")) - set(known)
    if unknown:
        parser.error(f"{option} can't be {','.join(sorted(unknown))}: choose out of {','.join(known)}")


if __name__ == "__main__":
    sys.exit(main())
