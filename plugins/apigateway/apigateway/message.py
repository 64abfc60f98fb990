"""A call of an API from its request to its answer."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from .model import Api, Doc, Resource

Fields = list[tuple[str, str]]
"""Header fields in their order; names are in lower case where they came from a message."""


@dataclass(slots=True)
class Call:
    """One request for an API. Fields that are not known yet have their defaults; `invoke` says when they are set."""

    api: Api
    stage: str
    method: str
    path: str
    """Below the stage, as it stands on the wire: `/pets/a%20b`."""
    query: Fields
    """Decoded, in order, with repetitions."""
    fields: Fields
    body: bytes
    source_ip: str
    host: str
    """The authority that the client asked for."""
    base_path: str = ""
    """What stands before `path` in the client's target: `/restapis/ID/STAGE/_user_request_`, or `/STAGE`."""
    scheme: str = "http"
    test: bool = False
    """Whether this is a test-invoke: authorizers and API keys are not asked."""
    resource: Resource | None = None
    method_doc: Doc = field(default_factory=dict)
    """The Method object that was found, or the route of an HTTP API."""
    integration: Doc = field(default_factory=dict)
    path_parameters: dict[str, str] = field(default_factory=dict)
    """Decoded."""
    stage_variables: dict[str, str] = field(default_factory=dict)
    context: dict[str, Any] = field(default_factory=dict)
    """`$context`, see `context.py`."""
    memo: dict[str, Any] = field(default_factory=dict)
    """What is computed once for a call: the body as JSON, the maps of header fields."""

    def field(self, name: str) -> str | None:
        """The last value of a header field, as API Gateway takes it; the name in lower case."""
        found = None
        for known, value in self.fields:
            if known == name:
                found = value
        return found

    def headers(self) -> dict[str, str]:
        """The last value of each field, by its name in capitals as HTTP/1.1 clients write it: `Content-Type`."""
        found = self.memo.get("headers")
        if found is None:
            found = self.memo["headers"] = {title(name): value for name, value in self.fields}
        return found

    def multi_headers(self) -> dict[str, list[str]]:
        """All values of each field, by the names of `headers`."""
        return _grouped(((title(name), value) for name, value in self.fields))

    def query_map(self) -> dict[str, str]:
        """The last value of each parameter of the query."""
        return dict(self.query)

    def multi_query(self) -> dict[str, list[str]]:
        return _grouped(self.query)


@dataclass(slots=True)
class EndpointRequest:
    """What goes to an integration that isn't a proxy, after parameters and template were mapped."""

    method: str
    uri: str
    """With path parameters and stage variables in place."""
    query: Fields
    fields: Fields
    body: bytes


@dataclass(slots=True)
class EndpointResponse:
    """What an integration answered. For proxies it is the answer to the client."""

    status: int
    fields: Fields
    body: bytes
    selection: str | None = None
    """What the selection patterns of the integration's responses are held against; None is the status."""


def title(name: str) -> str:
    """`content-type` as `Content-Type`. The host gives names in lower case, whatever the client sent."""
    known = _TITLES.get(name)
    return "-".join(part.capitalize() for part in name.split("-")) if known is None else known


_NAMES = """Accept Accept-Encoding Accept-Language Authorization Cache-Control Content-Encoding Content-Length Content-Type Cookie Host Origin Referer
User-Agent Via X-Api-Key X-Forwarded-For X-Forwarded-Port X-Forwarded-Proto X-Amz-Date X-Amzn-Trace-Id"""
_TITLES = {name.lower(): name for name in _NAMES.split()}


def _grouped(pairs: Any) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, value in pairs:
        found.setdefault(name, []).append(value)
    return found
