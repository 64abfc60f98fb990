"""Parts of URLs, as API Gateway reads and writes them."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import quote, unquote_plus


def parse_query(query: str) -> list[tuple[str, str]]:
    """Names and values of a query without its `?`, decoded, in order."""
    pairs = (part.partition("=") for part in query.split("&") if part)
    return [(unquote_plus(name), unquote_plus(value)) for name, _, value in pairs]


def write_query(pairs: Iterable[tuple[str, str]]) -> str:
    """The opposite of `parse_query`."""
    return "&".join(f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in pairs)


def with_query(url: str, pairs: Iterable[tuple[str, str]]) -> str:
    """The URL with further parameters behind its own."""
    query = write_query(pairs)
    if not query:
        return url
    return url + ("&" if "?" in url else "?") + query
