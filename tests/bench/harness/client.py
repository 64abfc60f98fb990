"""One keep-alive connection that asks the same thing again and again, and reads one field off the answer."""

from __future__ import annotations

import http.client
from dataclasses import dataclass

VERSION_FIELD = "x-version"
ADDED_FIELD = "x-tollgate"
TIMEOUT_SECONDS = 30.0


@dataclass(frozen=True)
class Answer:
    status: int
    value: str
    """The field's value; empty when it is absent."""
    length: int


class Connection:
    """Never opened anew behind the caller's back: a connection that the proxy closes is an error."""

    def __init__(self, port: int, path: str, field: str) -> None:
        self._path = path
        self._field = field
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT_SECONDS)
        self._connection.connect()
        self._connection.auto_open = 0

    def get(self) -> Answer:
        """Raises `OSError` or `http.client.HTTPException` when there is no whole answer."""
        self._connection.request("GET", self._path)
        response = self._connection.getresponse()
        body = response.read()
        return Answer(response.status, response.getheader(self._field, ""), len(body))

    def close(self) -> None:
        self._connection.close()
