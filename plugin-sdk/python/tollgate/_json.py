"""Changing one value of a JSON text without touching another byte.

``json.loads`` and ``json.dumps`` would rewrite numbers, escapes, white space and repeated members.
"""

import json
import re

MAX_DEPTH = 128
"""Objects and arrays inside each other; a text nested deeper is left alone."""

_TOKENS = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"|[{}\[\],:]', re.DOTALL)
_SPACE = b" \t\n\r"


def replace_json_member(body: bytes, name: str, value: str) -> bytes | None:
    """Replaces the value of the first member ``name`` of the object that a JSON text is; every other byte stays.

    The name is compared as it is written between its quotes; ``value`` is a JSON text, such as ``quote_json`` and
    ``json.dumps`` return. Returns None, so that nothing is changed, if the bytes are not one valid JSON text in UTF-8
    (RFC 8259), if it is not an object, nested deeper than 128 levels, or without the member.
    """
    if not body.lstrip(_SPACE).startswith(b"{"):
        return None
    place = _find_member(body, b'"%b"' % name.encode())
    if place is None or not _is_json(body):
        return None
    start, end = place
    return b"".join((body[:start], value.encode(), body[end:]))


def quote_json(text: str) -> str:
    r"""Text as a JSON string.

    ``"`` and ``\`` are escaped, control characters become ``\u00xx``, everything else stays as it is.
    """
    return f'"{text.translate(_ESCAPES)}"'


_ESCAPES = {code: f"\\u{code:04x}" for code in range(0x20)} | {ord('"'): '\\"', ord("\\"): "\\\\"}


def _find_member(body: bytes, quoted: bytes) -> tuple[int, int] | None:
    """Where the member's value lies, white space around it not counted. Right only for valid JSON."""
    depth = 0
    at_key = found = False
    start = end = -1
    for match in _TOKENS.finditer(body):
        token = match.group()
        if token[0] == 0x22:
            if at_key and start < 0:
                found = token == quoted
            at_key = False
        elif token in b"{[":
            depth += 1
            if depth > MAX_DEPTH:
                return None
            at_key = depth == 1
        else:
            if depth == 1 and token == b":":
                if found and start < 0:
                    start = match.end()
            elif depth == 1:
                if start >= 0 and end < 0:
                    end = match.start()
                at_key = token == b","
            if token in b"}]":
                depth -= 1
    if start < 0 or end < 0:
        return None
    value = body[start:end]
    return end - len(value.lstrip(_SPACE)), start + len(value.rstrip(_SPACE))


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")


# Numbers are only looked at: int() refuses those of more than 4300 digits, and float() takes its time.
_STRICT = json.JSONDecoder(parse_constant=_refuse, parse_int=len, parse_float=len)


def _is_json(body: bytes) -> bool:
    try:
        _STRICT.decode(body.decode())
    except (ValueError, RecursionError):
        return False
    return True
