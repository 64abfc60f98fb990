"""Which resource a path and a verb mean: literal segments before `{parameters}` before `{greedy+}`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Generic, TypeVar
from urllib.parse import quote, unquote

T = TypeVar("T")

ANY = ("ANY", "X-AMAZON-APIGATEWAY-ANY-METHOD", "x-amazon-apigateway-any-method")


@dataclass(slots=True)
class _Node(Generic[T]):
    literals: dict[str, _Node[T]] = field(default_factory=dict)
    parameter: _Node[T] | None = None
    greedy: list[_Target[T]] = field(default_factory=list)
    targets: list[_Target[T]] = field(default_factory=list)


@dataclass(slots=True)
class _Target(Generic[T]):
    names: list[str]
    """The names of the parameters, in the order of the path."""
    verbs: dict[str, T]


class Router(Generic[T]):
    """Paths of an API with what each verb of them leads to.

    A path without the verb gives way to a less exact one that has it, as HTTP APIs document it and LocalStack did for REST APIs.
    """

    def __init__(self) -> None:
        self._root: _Node[T] = _Node()

    def add(self, path: str, verbs: dict[str, T]) -> None:
        """A path such as `/pets/{id}/{rest+}`; verbs in capitals, `ANY` for all."""
        node, names = self._root, []
        for part in _segments(path):
            if part.startswith("{") and part.endswith("+}"):
                names.append(part[1:-2])
                node.greedy.append(_Target(names, verbs))
                return
            if part.startswith("{") and part.endswith("}"):
                names.append(part[1:-1])
                if node.parameter is None:
                    node.parameter = _Node()
                node = node.parameter
            else:
                node = node.literals.setdefault(part, _Node())
        node.targets.append(_Target(names, verbs))

    def find(self, path: str, verb: str) -> tuple[T, dict[str, str]] | None:
        """What the best path with this verb leads to, and the parameters, decoded. The path is raw, as it stands on the wire."""
        for target, values in _walk(self._root, _segments(path), 0, []):
            found = target.verbs.get(verb)
            if found is None:
                found = next((target.verbs[name] for name in ANY if name in target.verbs), None)
            if found is not None:
                return found, dict(zip(target.names, map(unquote, values), strict=True))
        return None

    def has(self, path: str) -> bool:
        """Whether there is a path with any verb."""
        return any(target.verbs for target, _ in _walk(self._root, _segments(path), 0, []))


_SLASH = re.compile("%2F", re.I)


def parted(path: str) -> str:
    """The raw path with its encoded slashes as slashes."""
    return _SLASH.sub("/", path)


def encoded(path: str, value: str, safe: str) -> str | None:
    """The value of a parameter of this raw path, encoded again so that `%2F` stays; None if it has none, or isn't of the path."""
    if "/" not in value or not _SLASH.search(path):
        return None
    parts = [unquote(part) for part in _segments(path)]
    if value in parts:
        return quote(value, safe=safe)
    # A greedy parameter is all from one segment on.
    at, left = len(parts), len(value) + 1
    while at > 0 and left > 0:
        at -= 1
        left -= len(parts[at]) + 1
    run = parts[at:]
    return "/".join(quote(part, safe=safe) for part in run) if "/".join(run) == value else None


def _segments(path: str) -> list[str]:
    """Without slashes at either end."""
    inner = path.strip("/")
    return inner.split("/") if inner else []


def _walk(node: _Node[T], parts: list[str], at: int, values: list[str]) -> Iterator[tuple[_Target[T], list[str]]]:
    """All targets of a path, best first."""
    if at == len(parts):
        for target in node.targets:
            yield target, values
        return
    part = parts[at]
    literal = node.literals.get(part) or (node.literals.get(unquote(part)) if "%" in part else None)
    if literal is not None:
        yield from _walk(literal, parts, at + 1, values)
    if node.parameter is not None and part:
        yield from _walk(node.parameter, parts, at + 1, [*values, part])
    for target in node.greedy:
        yield target, [*values, "/".join(parts[at:])]
