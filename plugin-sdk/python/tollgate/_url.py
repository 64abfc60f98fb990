"""Parts of a URL and of the field ``cookie``, as text."""

import re

_ESCAPED = re.compile(r"(?:%[0-9a-fA-F]{2})+")
_UNRESERVED = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")


def url_decode(text: str) -> str:
    """Percent-decodes text.

    What is not UTF-8 becomes U+FFFD, and a ``%`` without two digits behind it stays. ``+`` stays too: only in a query is it a
    space, see ``request.query_param``.
    """
    return _ESCAPED.sub(lambda found: bytes.fromhex(found[0].replace("%", "")).decode("utf-8", "replace"), text)


def url_encode(text: str) -> str:
    """Percent-encodes every byte but letters, digits and ``-._~`` (RFC 3986, section 2.3).

    The text is then one part of a path or of a query.
    """
    return "".join(chr(byte) if byte in _UNRESERVED else f"%{byte:02X}" for byte in text.encode("utf-8", "replace"))


def parse_query(query: str) -> list[tuple[str, str]]:
    """Name and value of each parameter of a query (without its ``?``), decoded."""
    pairs = [part.replace("+", " ").partition("=") for part in query.split("&") if part]
    return [(url_decode(name), url_decode(value)) for name, _, value in pairs]


def parse_cookies(field: str) -> list[tuple[str, str]]:
    """Name and value of each cookie in a field ``cookie``, as they were sent."""
    pairs = [pair.partition("=") for pair in field.split(";")]
    return [(name.strip(), value.strip()) for name, mark, value in pairs if mark]
