"""Text and bytes on their way to the host. What is neither would be a trap in the bindings, which says little."""

from collections.abc import Iterable, Mapping
from typing import TypeAlias

Value: TypeAlias = str | bytes | bytearray | memoryview
Fields: TypeAlias = Mapping[str, Value | list[Value]] | Iterable[tuple[str, Value]]


def to_bytes(value: Value, what: str) -> bytes:
    """Text as UTF-8, bytes as they are."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace")
    if isinstance(value, (bytes, bytearray, memoryview)):
        return bytes(value)
    raise TypeError(f"{what}: expected str or bytes, got {type(value).__name__}")


def to_text(value: str, what: str) -> str:
    """Text without lone surrogates, which cannot cross to the host."""
    if not isinstance(value, str):
        raise TypeError(f"{what}: expected str, got {type(value).__name__}")
    return value if value.isascii() else value.encode("utf-8", "replace").decode()


def to_field_list(fields: Fields) -> list[tuple[str, bytes]]:
    pairs = fields.items() if isinstance(fields, Mapping) else fields
    return [
        (to_text(name, "a field's name"), to_bytes(one, name))
        for name, value in pairs
        for one in (value if isinstance(value, list) else [value])
    ]
