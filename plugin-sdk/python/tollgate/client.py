"""Outbound HTTP requests. The plugin needs the permission ``http``, which lists where requests may go.

    from tollgate import client

    user = client.get("https://users.example/me").json()

Each function waits for the whole response, and raises SendError if there is none; a response with any status is one. Redirects are
not followed, and nothing is sent in the trial of a version.
"""

import json as _json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from componentize_py_types import Err

from ._errors import Error, SendError, from_host, host_errors
from ._host import optional
from ._text import Fields, Value, to_bytes, to_field_list, to_text
from ._time import to_ms

__all__ = ["OutgoingRequest", "IncomingResponse", "SendError", "get", "post", "request", "send", "send_all"]

_host = optional("client")


@dataclass
class OutgoingRequest:
    """A request to be sent, by ``send`` or ``send_all``. ``request`` makes one with a JSON body."""

    method: str
    url: str
    """An absolute ``http`` or ``https`` URL."""
    fields: Fields = ()
    """The host sets the fields of the connection and the framing, and ``host`` if it is absent."""
    body: Value = b""
    timeout: float | None = None
    """Of the whole call, in seconds, at most the host's; None is the host's."""


@dataclass(frozen=True)
class IncomingResponse:
    """A response that was received. Names of fields are in lower case, values are bytes."""

    status: int
    fields: list[tuple[str, bytes]]
    body: bytes
    trailers: list[tuple[str, bytes]]

    def field(self, name: str) -> str | None:
        """The first value of a field as text, None if the response doesn't have it."""
        value = self.field_bytes(name)
        return None if value is None else value.decode("utf-8", "replace")

    def field_bytes(self, name: str) -> bytes | None:
        """The first value of a field as it was sent, None if the response doesn't have it."""
        return next((value for known, value in self.fields if known == name.lower()), None)

    def text(self) -> str:
        """The body as text. Raises Error if it is not UTF-8."""
        try:
            return self.body.decode()
        except UnicodeDecodeError as error:
            raise Error(f"the response is not UTF-8: byte {error.object[error.start]:#04x} at {error.start}") from None

    def json(self) -> Any:
        """The body, read as JSON. Raises Error if the status is not one of success (2xx), or the body is not JSON."""
        if not 200 <= self.status < 300:
            raise Error(f"the response has the status {self.status}")
        text = self.text()
        try:
            return _json.loads(text)
        except ValueError as error:
            raise Error(f"the response is not JSON: {error}") from None


def request(
    method: str,
    url: str,
    *,
    fields: Fields = (),
    body: Value = b"",
    json: Any = None,
    timeout: float | None = None,
) -> OutgoingRequest:
    """A request to be sent. ``json`` is a body with ``content-type: application/json``, unless ``fields`` has another."""
    pairs = to_field_list(fields)
    if json is not None:
        if body:
            raise TypeError("request: body and json exclude each other")
        body = _json.dumps(json, ensure_ascii=False, separators=(",", ":"))
        if all(name.lower() != "content-type" for name, _ in pairs):
            pairs.append(("content-type", b"application/json"))
    return OutgoingRequest(method, url, pairs, body, timeout)


def get(url: str, *, fields: Fields = (), timeout: float | None = None) -> IncomingResponse:
    """Sends a GET request."""
    return send(request("GET", url, fields=fields, timeout=timeout))


def post(
    url: str, *, fields: Fields = (), body: Value = b"", json: Any = None, timeout: float | None = None
) -> IncomingResponse:
    """Sends a POST request."""
    return send(request("POST", url, fields=fields, body=body, json=json, timeout=timeout))


def send(request: OutgoingRequest) -> IncomingResponse:
    """Sends a request."""
    sent = _outgoing(request)
    with host_errors():
        return _incoming(_host.send(sent))


def send_all(requests: Iterable[OutgoingRequest]) -> list[IncomingResponse | SendError]:
    """Sends several requests at the same time. The results are in the order of the requests; a SendError is given, not raised."""
    results = _host.send_all([_outgoing(request) for request in requests])
    return [_error(one.value) if isinstance(one, Err) else _incoming(one.value) for one in results]


def _error(value: object) -> SendError:
    error = from_host(value)
    assert isinstance(error, SendError)
    return error


def _outgoing(request: OutgoingRequest) -> Any:
    if not isinstance(request, OutgoingRequest):
        raise TypeError(f"expected client.request(…), got {type(request).__name__}")
    return _host.OutgoingRequest(
        to_text(request.method, "method"),
        to_text(request.url, "url"),
        to_field_list(request.fields),
        to_bytes(request.body, "body"),
        to_ms(request.timeout, "timeout", most=(1 << 32) - 1),
    )


def _incoming(response: Any) -> IncomingResponse:
    return IncomingResponse(response.status, response.fields, response.body, response.trailers)
