"""Calls to the mock of AWS behind the proxy. They go to it directly, so no plugin is passed twice."""

from __future__ import annotations

import time

from tollgate import SendError, client

from .config import Config
from .message import EndpointResponse, Fields


class Backend:
    """Makes and sends requests that the mock takes for those of an AWS client: it routes by the credential's scope."""

    def __init__(self, config: Config) -> None:
        self._config = config

    def request(
        self,
        method: str,
        target: str,
        service: str,
        *,
        region: str | None = None,
        fields: Fields = (),
        body: bytes = b"",
        timeout: float | None = None,
    ) -> client.OutgoingRequest:
        """A request to a service's path and query, `/restapis/x?limit=5`. The service is that of the scope: `apigateway`, `sqs`, `s3`."""
        scope = f"{self._config.access_key}/{time.strftime('%Y%m%d', time.gmtime())}/{region or self._config.region}/{service}/aws4_request"
        signature = f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host;x-amz-date, Signature={'0' * 64}"
        given = [("authorization", signature), ("x-amz-date", time.strftime("%Y%m%dT%H%M%SZ", time.gmtime()))]
        return client.OutgoingRequest(method, self._config.backend + target, [*given, *fields], body, timeout)

    def send(self, request: client.OutgoingRequest) -> EndpointResponse:
        """Raises SendError."""
        return response(client.send(request))

    def send_all(self, requests: list[client.OutgoingRequest]) -> list[EndpointResponse]:
        """In the order of the requests. Raises the first SendError."""
        answers = []
        for one in client.send_all(requests):
            if isinstance(one, SendError):
                raise one
            answers.append(response(one))
        return answers


def response(received: client.IncomingResponse) -> EndpointResponse:
    """What was received, with field values as text (bytes that are no UTF-8 as ISO 8859-1, which HTTP/1.1 took them for)."""
    return EndpointResponse(received.status, [(name, _text(value)) for name, value in received.fields], received.body)


def _text(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.decode("latin-1")
