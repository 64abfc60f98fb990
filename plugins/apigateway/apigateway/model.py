"""What an API is: what the backend says of it, prepared for requests."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

Doc = dict[str, Any]
"""A JSON object as the backend gives it, with API Gateway's own names."""


@dataclass(slots=True)
class Resource:
    """A resource of a REST API. `methods` has verbs (`GET`, `ANY`) with API Gateway's Method objects."""

    id: str
    path: str
    methods: dict[str, Doc]


@dataclass(slots=True)
class Api:
    """A REST API (`kind` is `REST`) or an HTTP API (`HTTP`)."""

    id: str
    kind: str
    region: str
    account_id: str
    about: Doc
    """The RestApi object, or the Api object of version 2."""
    resources: list[Resource]
    """Of a REST API."""
    routes: list[Doc]
    """Of an HTTP API, as `GetRoutes` gives them."""
    integrations: dict[str, Doc]
    """Of an HTTP API, by `integrationId`."""
    stages: dict[str, Doc]
    authorizers: dict[str, Doc]
    """By id."""
    validators: dict[str, Doc]
    """Request validators by id."""
    models: dict[str, Doc]
    """By name."""
    gateway_responses: dict[str, Doc]
    """By response type; only those that were put."""
    usage: list[Doc]
    """Usage plans, each with `keys`: its API keys with `id`, `value` and `enabled`. Read only if a method requires a key."""
    binary_media_types: list[str]
    prepared: dict[Any, Any] = field(default_factory=dict)
    """What was compiled from this definition: matchers, templates, schemas. It is dropped with the definition, so it needs no bound of its
    own as long as its keys come from the definition and never from a request."""

    def stage_variables(self, stage: str) -> dict[str, str]:
        found = self.stages.get(stage) or {}
        return found.get("variables") or found.get("stageVariables") or {}
