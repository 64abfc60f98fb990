"""Instructions in user space, counted by valgrind's callgrind: which functions execute them, on behalf of which crate.

Counts don't depend on how busy the machine is, so small differences between two builds can be seen.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Callable

from harness.process import Process

CONTROL_SECONDS = 60.0


def missing() -> str | None:
    """Why instructions can't be counted here, and what to do."""
    if shutil.which("valgrind") and shutil.which("callgrind_control"):
        return None
    return "valgrind is not installed; apt-get install valgrind"


def prefix(directory: Path, name: str) -> tuple[str, ...]:
    """What to put before a command. Nothing is counted before `count`, so that the start is not slower than it must be."""
    return (
        "valgrind",
        "--tool=callgrind",
        "--instr-atstart=no",
        # Without it one thread of several that are ready may run for long, and the others' connections wait.
        "--fair-sched=try",
        f"--callgrind-out-file={directory}/{name}.callgrind",
        # Its lines repeat the command, and with it the address of the backend, which is not where the proxy listens.
        f"--log-file={directory}/{name}.valgrind",
    )


def count(process: Process) -> None:
    """Begins to count. What runs for the first time after it is translated once more, which is slow."""
    control(process, "--instr=on")


def zero(process: Process) -> None:
    control(process, "--zero")


def dump(process: Process, directory: Path) -> Profile:
    """What was counted since the last dump or `zero`. Sets the counters to zero."""
    before = set(directory.glob(f"{process.name}.callgrind.*"))
    control(process, "--dump")
    new = sorted(set(directory.glob(f"{process.name}.callgrind.*")) - before)
    if len(new) != 1:
        raise RuntimeError(f"callgrind wrote {len(new)} files for {process.name}, not 1: {process.log()[-2000:]}")
    return parse(new[0].read_text(errors="replace"))


def control(process: Process, command: str) -> None:
    """The program reports most errors by its output only."""
    process.check_running()
    done = subprocess.run(
        ["callgrind_control", command, str(process.pid)],
        check=False,
        capture_output=True,
        text=True,
        timeout=CONTROL_SECONDS,
    )
    if done.returncode != 0 or "OK." not in done.stdout:
        raise RuntimeError(f"callgrind_control {command} failed for {process.name}: {done.stdout}{done.stderr}")


@dataclass(frozen=True)
class Function:
    """A symbol and the file that it was loaded from. Compiled WebAssembly has no file."""

    object: str
    name: str

    @property
    def short(self) -> str:
        """Without the hash that Rust appends, and not longer than a line."""
        name = re.sub(r"::h[0-9a-f]{16}(?=$|')|\[[0-9a-f]{8,}\]", "", self.name)
        return name if len(name) <= 110 else f"{name[:107]}..."


Costs = dict[Function, float]


@dataclass(frozen=True)
class Profile:
    """Instructions by function: in itself, and together with all that it calls."""

    own: Costs
    inclusive: Costs

    @property
    def total(self) -> float:
        return sum(self.own.values())

    def above(self, fewer: Profile, requests: int) -> Profile:
        """What each of so many requests adds to a profile of fewer."""
        return Profile(
            _difference(self.own, fewer.own, requests), _difference(self.inclusive, fewer.inclusive, requests)
        )


def _difference(more: Costs, fewer: Costs, requests: int) -> Costs:
    """Not rounded: a function that runs once in ten requests counts, too."""
    return {key: (more.get(key, 0) - fewer.get(key, 0)) / requests for key in {*more, *fewer}}


NAME = re.compile(r"(c?)(fn|ob|fl|fi|fe)=(?:\((\d+)\))?\s*(.*)")


def parse(text: str) -> Profile:
    """Reads callgrind's own format (valgrind's manual, "Callgrind Format Specification").

    A function that is called again before it returns counts more than once in `inclusive`.
    """
    own: Costs = {}
    inclusive: Costs = {}
    names: dict[tuple[str, str], str] = {}
    object, function, called = "", "", False
    for line in text.splitlines():
        if found := NAME.fullmatch(line):
            of_callee, kind, number, name = found.groups()
            if number and name:
                names[kind, number] = name
            name = name or names.get((kind, number), "")
            if kind == "ob" and not of_callee:
                object = name
            elif kind == "fn" and not of_callee:
                function = name
        elif line.startswith("calls="):
            called = True
        elif line and line[0] in "+-*0123456789":
            key, cost = Function(object, function), int(line.partition(" ")[2] or 0)
            inclusive[key] = inclusive.get(key, 0) + cost
            if not called:
                own[key] = own.get(key, 0) + cost
            called = False
    return Profile(own, inclusive)


MEMORY = re.compile(r"_*(mem(cpy|move|set|cmp|chr|rchr)|bcmp)(_|$|@)|__mem(cpy|move|set|cmp|chr)")
ALLOCATOR = re.compile(
    r"_?mi_|__rust_(alloc|dealloc|realloc)|__rdl_|(malloc|free|calloc|realloc|posix_memalign)($|@)|_int_(malloc|free)"
    r"|.*__rustc(\[[0-9a-f]+\])?::__r(ust|dl)_(alloc|dealloc|realloc)"
)
CRATE = re.compile(r"(?<![\w:])([a-z_][a-z0-9_]*)(?:\[[0-9a-f]+\])?::([a-z_][a-z0-9_]*)?")
LANGUAGE = ("core", "alloc", "std", "hashbrown", "compiler_builtins")


def group(function: Function) -> str:
    """The crate on whose behalf the function runs; for our own the module, too.

    Generic code of the standard library counts for the first crate that its name mentions. What the compiler has inlined
    counts for the function that it was inlined into.
    """
    if MEMORY.match(function.name):
        return "memcpy and the like"
    if ALLOCATOR.match(function.name):
        return "allocator"
    if not function.object or function.object == "???":
        return "WebAssembly"
    crates: list[tuple[str, str]] = CRATE.findall(function.name)
    for crate, module in crates:
        if crate == "tollgate":
            return f"tollgate::{module}" if module else "tollgate"
        if crate not in LANGUAGE:
            return crate
    return "standard library" if crates else Path(function.object).name


def by_group(costs: Costs) -> dict[str, float]:
    return _summed(costs, group)


def by_name(costs: Costs) -> dict[str, float]:
    """Copies of a generic function that have the same name without their hash count together."""
    return _summed(costs, lambda function: re.sub(RECURSION, "", function.short))


def outermost(inclusive: Costs) -> Costs:
    """Without calls of a function by itself: they are in the figure of the outermost call."""
    return {function: cost for function, cost in inclusive.items() if not re.search(RECURSION, function.name)}


RECURSION = r"'\d+$"
"""callgrind appends it to the name of a function that has called itself."""


def _summed(costs: Costs, key: Callable[[Function], str]) -> dict[str, float]:
    sums: dict[str, float] = {}
    for function, cost in costs.items():
        sums[key(function)] = sums.get(key(function), 0) + cost
    return sums
