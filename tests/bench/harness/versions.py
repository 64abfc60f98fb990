"""Versions of a compiled plugin. Each has other bytes, so that no cache knows it, and says its number in a field."""

from __future__ import annotations

import re
import time
from pathlib import Path

MARKER = b"reload-bench-"
DIGITS = 10


def name(number: int) -> str:
    """What the plugin of that version puts into its field."""
    return f"{MARKER.decode()}{number:0{DIGITS}d}"


def number(version: str) -> int:
    """The version's number, or 0 for anything that is not the name of a version."""
    found = re.fullmatch(rf"{MARKER.decode()}(\d{{{DIGITS}}})", version)
    return int(found.group(1)) if found else 0


class Versions:
    """The versions that can be made of one compiled plugin."""

    def __init__(self, compiled: Path) -> None:
        code = compiled.read_bytes()
        placeholder = name(0).encode()
        if code.count(placeholder) != 1:
            raise ValueError(f"{compiled} has {code.count(placeholder)} places for the version, not 1")
        self.size = len(code)
        self._before, _, self._after = code.partition(placeholder)

    def write(self, number: int, path: Path) -> float:
        """Writes the version over whatever is there and returns the time when the file was closed."""
        code = self._before + name(number).encode() + self._after
        with open(path, "wb") as file:
            file.write(code)
        return time.monotonic()
