"""Values in templates that print as Java's do, with the methods that templates call on them, and `$util`."""

from __future__ import annotations

import base64
import json
import re
from typing import Any
from urllib.parse import quote_plus, unquote_plus

from airspeed import operators

from .errors import configuration


def text(value: Any) -> str:
    """A value as a template prints it."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else str(value)


class Map(dict[str, Any]):
    """An object of JSON. It prints as `{a=1, b=[{"c":2}]}`."""

    def __str__(self) -> str:
        return "{" + ", ".join(f"{name}={text(value)}" for name, value in self.items()) + "}"


class Items(list[Any]):
    """An array of JSON. It prints as JSON."""

    def __str__(self) -> str:
        return json.dumps(self, ensure_ascii=False, separators=(",", ":"))


class Made(list[Any]):
    """An array that a template made. It prints as `[1, a]`."""

    def __str__(self) -> str:
        return "[" + ", ".join(map(text, self)) + "]"


def wrapped(value: Any) -> Any:
    """A value of JSON for a template."""
    if isinstance(value, dict):
        return Map((name, wrapped(one)) for name, one in value.items())
    if isinstance(value, list):
        return Items(wrapped(one) for one in value)
    return value


class Util:
    """`$util`."""

    def escapeJavaScript(self, value: Any) -> str:
        """As inside a string of JavaScript; a single quote becomes `\\'`, which is no JSON, as in AWS."""
        return json.dumps(text(value))[1:-1].replace("'", "\\'")

    def parseJson(self, value: Any) -> Any:
        try:
            return wrapped(json.loads(text(value)))
        except (ValueError, RecursionError):
            raise configuration("$util.parseJson got no JSON") from None

    def toJson(self, value: Any) -> str:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))

    def urlEncode(self, value: Any) -> str:
        return quote_plus(text(value))

    def urlDecode(self, value: Any) -> str:
        return unquote_plus(text(value))

    def base64Encode(self, value: Any) -> str:
        return base64.b64encode(text(value).encode()).decode()

    def base64Decode(self, value: Any) -> str:
        try:
            return base64.b64decode(text(value)).decode("utf-8", "replace")
        except ValueError:
            raise configuration("$util.base64Decode got no base64") from None


class Entry:
    """Of `$map.entrySet()`."""

    def __init__(self, key: str, value: Any) -> None:
        self.key = key
        self.value = value

    def getKey(self) -> str:
        return self.key

    def getValue(self) -> Any:
        return self.value


def _java_pattern(pattern: str) -> str:
    """`$1` is `\\1` in Python's replacements."""
    return re.sub(r"\$(\d)", r"\\\1", pattern)


_TEXT = {
    "charAt": lambda self, at: self[at],
    "concat": lambda self, other: self + text(other),
    "endsWith": lambda self, end: self.endswith(end),
    "equals": lambda self, other: self == other,
    "equalsIgnoreCase": lambda self, other: self.lower() == text(other).lower(),
    "indexOf": lambda self, part: self.find(part),
    "isEmpty": lambda self: not self,
    "lastIndexOf": lambda self, part: self.rfind(part),
    "replaceAll": lambda self, pattern, by: re.sub(pattern, _java_pattern(by), self),
    "replaceFirst": lambda self, pattern, by: re.sub(pattern, _java_pattern(by), self, count=1),
    "toLowerCase": lambda self: self.lower(),
    "toString": lambda self: self,
    "toUpperCase": lambda self: self.upper(),
    "trim": lambda self: self.strip(),
}
_MAP = {
    "containsKey": lambda self, key: key in self,
    "containsValue": lambda self, value: value in self.values(),
    "entrySet": lambda self: [Entry(key, value) for key, value in self.items()],
    "isEmpty": lambda self: not self,
    "keySet": lambda self: list(self),
    "remove": lambda self, key: self.pop(key, None),
    "size": lambda self: len(self),
    "toString": lambda self: str(self),
}
_ITEMS = {
    "addAll": lambda self, other: self.extend(other),
    "indexOf": lambda self, value: self.index(value) if value in self else -1,
    "remove": lambda self, at: self.pop(at),
    "toString": lambda self: str(self),
}
# `#set($Integer = 0) $Integer.parseInt("5")` is how templates make numbers.
_NUMBER = {
    "doubleValue": float,
    "equals": lambda self, other: self == other,
    "intValue": int,
    "longValue": int,
    "parseDouble": lambda self, value: float(value),
    "parseInt": lambda self, value: int(value),
    "parseLong": lambda self, value: int(value),
    "toString": lambda self: text(self),
}


class _Array(operators.ArrayLiteral):  # type: ignore[misc]
    def parse(self) -> None:
        super().parse()
        values = self.values
        self.calculate = lambda namespace, loader: Made(values.calculate(namespace, loader))


class _Dictionary(operators.DictionaryLiteral):  # type: ignore[misc]
    def calculate(self, namespace: Any, loader: Any) -> Any:
        return Map(super().calculate(namespace, loader))


class _Not(operators.UnaryOperatorValue):  # type: ignore[misc]
    def calculate(self, namespace: Any, loader: Any) -> bool:
        # airspeed says false for `!$missing`; in Velocity it is true.
        return not self.value.calculate(namespace, loader)


def _extend() -> None:
    """Gives airspeed the methods, which it looks up by the exact class, literals whose values print as Java's, and Velocity's negation."""
    operators.ArrayLiteral, operators.DictionaryLiteral, operators.UnaryOperatorValue = _Array, _Dictionary, _Not
    methods = operators.__additional_methods__
    methods[str].update(_TEXT)
    methods[dict].update(_MAP)
    methods[list].update(_ITEMS)
    methods[Map] = methods[dict]
    methods[Items] = methods[list]
    methods[Made] = methods[list]
    for kind in (int, float, bool):
        methods.setdefault(kind, {}).update(_NUMBER)


_extend()
