"""Events of an event stream (server-sent events; WHATWG HTML, section 9.2), read and written.

With ``Wish("events")`` each piece is one event: its lines, and the blank line at its end. The functions here read such a piece as a
browser would.
"""

import re
from collections.abc import Iterator

from ._errors import Error
from ._text import Value, to_bytes

__all__ = ["data", "event", "fields", "name", "with_data"]

# A line without its end, and its end: CR, LF, CRLF, or nothing behind the last one.
_LINE = re.compile(rb"([^\r\n]*)(\r\n|\r|\n|\Z)")


def fields(event: bytes) -> list[tuple[bytes, bytes]]:
    """The fields of an event, name and value: ``data``, ``event``, ``id``, ``retry`` and others. Comments are left out."""
    return [field for text, _ in _lines(event) if (field := _field(text)) is not None]


def data(event: bytes) -> bytes | None:
    """The values of the fields ``data`` with line feeds between them. None if there is none; readers then ignore the event."""
    values = [value for name, value in fields(event) if name == b"data"]
    return b"\n".join(values) if values else None


def name(event: bytes) -> str | None:
    """The value of the last field ``event``. None if there is none, or an empty one; readers then call it ``message``."""
    names = [value for name, value in fields(event) if name == b"event"]
    return names[-1].decode("utf-8", "replace") or None if names else None


def with_data(event: bytes, data: Value) -> bytes:
    """The event with other data; its other lines stay as they are.

    Each line of the data becomes a field ``data``, at the place of the first one, or behind the other fields.
    """
    content: bytes | None = to_bytes(data, "data")
    out: list[bytes] = []
    line_end = b"\n"
    for text, end in _lines(event):
        line_end = end or line_end
        is_data = (_field(text) or (b"", b""))[0] == b"data"
        if (is_data or not text) and content is not None:
            out.append(_written(b"data", content, line_end))
            content = None
        if not is_data:
            out.append(text + end)
    if content is not None:
        # The event was cut off, perhaps within a line.
        if out and not out[-1].endswith((b"\n", b"\r")):
            out.append(line_end)
        out.append(_written(b"data", content, line_end))
    return b"".join(out)


def event(data: Value = b"", *, name: str | None = None, id: str | None = None, retry_ms: int | None = None) -> bytes:
    """An event to be sent, with the blank line at its end.

    Raises Error if the name or the id has a line break, or the id a NUL: a reader would not get them as they are.
    """
    out = []
    for field, value in (("event", name), ("id", id), ("retry", None if retry_ms is None else str(int(retry_ms)))):
        if value is None:
            continue
        if re.search("[\r\n]", value) or (field == "id" and "\0" in value):
            raise Error(f"an event of an event stream can't have the {field} {value!r}")
        out.append(_written(field.encode(), to_bytes(value, field), b"\n"))
    out.append(_written(b"data", to_bytes(data, "data"), b"\n"))
    return b"".join(out) + b"\n"


def _lines(text: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = 0
    while at < len(text):
        line = _LINE.match(text, at)
        assert line is not None
        at = line.end()
        yield line[1], line[2]


def _field(line: bytes) -> tuple[bytes, bytes] | None:
    """Name and value of a line; None for a comment and for a blank line."""
    name, _, value = line.partition(b":")
    return (name, value.removeprefix(b" ")) if name else None


def _written(name: bytes, value: bytes, line_end: bytes) -> bytes:
    """One field for each line of the value; what stands behind the last line break is a line too."""
    return b"".join(name + b": " + line + line_end for line in re.split(rb"\r\n|\r|\n", value))
