"""Section `instructions`: instructions in user space per request, by callgrind, and which crates and functions execute them.

Two loads that differ in nothing but the number of requests are counted, and the difference is divided by the
difference in requests: what connections, and the start of a load, cost is not in the figure.
"""

from __future__ import annotations

import re
import shutil
from contextlib import ExitStack
from pathlib import Path

from harness import backend, callgrind, load
from harness.callgrind import Profile
from harness.compare import NONE, ONE, check
from harness.options import Options
from harness.proxies import TARGET, Proxy, all_proxies
from harness.rounds import Spread
from harness.verdicts import Outcome, verdict

ROUNDS = 1
BODY = "1KiB"
CONNECTIONS = 8
WARM_UP_REQUESTS = 500
FEW, MANY = 200, 2_200
QUIET_WITHIN_SECONDS = 300.0
"""Plugins are compiled, with optimisation in the background, some 30 times slower than without valgrind."""
SHOWN_GROUPS, SHOWN_FUNCTIONS = 16, 20
KEPT = TARGET / "bench/instructions"

LEAST = 1_000
"""No proxy reads and writes two heads with fewer."""
LIMIT = 14_000
LIMIT_PLUGIN = 3_000


def run(options: Options, directory: Path) -> Outcome:
    if reason := callgrind.missing():
        print(f"skipped: {reason}")
        return Outcome()
    chosen = [p for p in all_proxies() if p.counted is not None and re.search(options.proxies, p.name)]
    counted: dict[str, list[Profile]] = {}
    with ExitStack() as stack:
        origin, origin_port = backend.start(directory)
        stack.enter_context(origin)
        for turn in range(options.rounds or ROUNDS):
            for proxy in chosen:
                if reason := proxy.missing():
                    print(f"skipped {proxy.name}: {reason}")
                    continue
                own = directory / f"{turn}-{proxy.name.replace(', ', '-').replace(' ', '-')}"
                own.mkdir()
                counted.setdefault(proxy.name, []).append(measure(proxy, origin_port, own))
    if not counted:
        return Outcome()
    print_totals(counted)
    print_details({name: of_one[-1] for name, of_one in counted.items()})
    return Outcome(judge(counted), {name: [one.total for one in of_one] for name, of_one in counted.items()})


def measure(proxy: Proxy, origin_port: int, directory: Path, body: str = BODY) -> Profile:
    """What runs behind the requests, such as who records them, is waited for."""
    assert proxy.counted is not None
    process, port = proxy.counted(origin_port, directory)
    url = f"http://127.0.0.1:{port}/{body}"
    with process:
        if body in backend.SIZES:
            check(proxy, port, (body,))
        process.wait_until_quiet(QUIET_WITHIN_SECONDS)
        callgrind.count(process)
        load.run(url, WARM_UP_REQUESTS, CONNECTIONS)
        process.wait_until_quiet(QUIET_WITHIN_SECONDS)
        callgrind.zero(process)
        load.run(url, FEW, CONNECTIONS)
        process.wait_until_quiet(QUIET_WITHIN_SECONDS)
        few = callgrind.dump(process, directory)
        load.run(url, MANY, CONNECTIONS)
        process.wait_until_quiet(QUIET_WITHIN_SECONDS)
        many = callgrind.dump(process, directory)
    keep(proxy.name, directory)
    each = many.above(few, MANY - FEW)
    if each.total < LEAST:
        raise RuntimeError(f"{each.total:.0f} instructions per request: the load did not go through {proxy.name}")
    return each


def keep(name: str, directory: Path) -> None:
    """Leaves the profile of the longer load where a developer finds it."""
    KEPT.mkdir(parents=True, exist_ok=True)
    longest = max(directory.glob("*.callgrind.*"), key=lambda file: int(file.suffix[1:]))
    shutil.copy(longest, KEPT / f"{name.replace(', ', '-').replace(' ', '-')}.callgrind")


def print_totals(counted: dict[str, list[Profile]]) -> None:
    print(f"\ninstructions in user space per request, {BODY} responses, {CONNECTIONS} connections")
    for name, of_one in counted.items():
        spread = Spread.of([one.total for one in of_one])
        rounds = f"   ({spread.low:,.0f} to {spread.high:,.0f})" if len(of_one) > 1 else ""
        print(f"{name:26}{spread.median:9,.0f}{rounds}", flush=True)


def print_details(counted: dict[str, Profile]) -> None:
    groups = {name: callgrind.by_group(one.own) for name, one in counted.items()}
    print_columns("where: crate or module, calls not included", groups, SHOWN_GROUPS, rest=True)
    own = {name: callgrind.by_name(one.own) for name, one in counted.items()}
    print_columns("functions, calls not included", own, SHOWN_FUNCTIONS)
    inclusive = {name: callgrind.by_name(callgrind.outermost(one.inclusive)) for name, one in counted.items()}
    print_columns("functions with all that they call", inclusive, SHOWN_FUNCTIONS)
    print(f"\neach profile: callgrind_annotate {KEPT}/NAME.callgrind")


def print_columns(title: str, columns: dict[str, dict[str, float]], shown: int, rest: bool = False) -> None:
    """Sorted by the highest figure of any column."""
    rows = sorted({row for column in columns.values() for row in column})
    rows.sort(key=lambda row: -max(column.get(row, 0) for column in columns.values()))
    print(f"\n{''.join(f'{name:>21}' for name in columns)}   {title}")
    for row in rows[:shown]:
        print("".join(f"{column.get(row, 0):21,.0f}" for column in columns.values()) + f"   {row}")
    if rest and rows[shown:]:
        others = "".join(f"{sum(column.get(row, 0) for row in rows[shown:]):21,.0f}" for column in columns.values())
        print(f"{others}   {len(rows) - shown} others", flush=True)


def judge(counted: dict[str, list[Profile]]) -> list[str]:
    lines = []
    if NONE in counted:
        none = Spread.of([one.total for one in counted[NONE]])
        lines.append(verdict("instructions per request, no plugin", none, LIMIT, digits=0))
    if NONE in counted and ONE in counted:
        added = Spread.of([one.total - none.total for one, none in zip(counted[ONE], counted[NONE])])
        lines.append(verdict("instructions per request, one plugin adds", added, LIMIT_PLUGIN, digits=0))
    return lines
