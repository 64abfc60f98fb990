"""The documents of an API, asked for in two rounds of calls at the same time, and the API that they describe."""

from __future__ import annotations

import json
from typing import Any

from tollgate import Error, client
from urllib.parse import quote

from . import imports
from .backend import Backend
from .message import EndpointResponse
from .model import Api, Doc, Resource

PAGE = 500
"""Resources that a page has at most."""
MOST_PAGES = 100

_REST = ("resources", "stages", "authorizers", "requestvalidators", "models", "gatewayresponses")
_HTTP = ("routes", "integrations", "stages")


def read(api_id: str, region: str, backend: Backend, imported: Doc | None = None) -> Doc | None:
    """All documents of an API, with what was imported and the backend lost; None if the backend has none of this id.

    Raises SendError, Error for an answer that makes no sense.
    """
    name = quote(api_id, safe="")

    def get(target: str) -> client.OutgoingRequest:
        return backend.request("GET", target, "apigateway", region=region)

    rest, http = backend.send_all([get(f"/restapis/{name}"), get(f"/v2/apis/{name}")])
    if rest.status == 200:
        parts, base, about = _REST, f"/restapis/{name}", _json(rest)
    elif http.status == 200:
        parts, base, about = _HTTP, f"/v2/apis/{name}", _json(http)
    else:
        for answer in (rest, http):
            if answer.status != 404:
                raise Error(f"the backend answered {answer.status} when it was asked for the API {api_id}")
        return None
    document: Doc = {"id": api_id, "region": region, "kind": "REST" if parts is _REST else about.get("protocolType", "HTTP"), "about": about}
    firsts = backend.send_all([get(f"{base}/{part}?{_query(part)}") for part in parts])
    for part, answer in zip(parts, firsts, strict=True):
        document[part] = _all_pages(backend, get, f"{base}/{part}?{_query(part)}", answer)
    if parts is _HTTP:
        document["authorizers"] = _authorizers(backend, get, base, document["routes"])
    imports.complete(document, imported)
    document["usage"] = _usage(backend, get, api_id) if _needs_key(document) else []
    return document


def made(document: Doc, account_id: str) -> Api:
    """The API of what `read` gave."""
    kind = document["kind"]
    by = "id" if kind == "REST" else "authorizerId"
    about = document["about"]
    types = [*(about.get("binaryMediaTypes") or []), *document.get("binaryMediaTypes", [])]
    return Api(
        id=document["id"],
        kind=kind,
        region=document["region"],
        account_id=account_id,
        about=about,
        resources=[Resource(one["id"], one["path"], one.get("resourceMethods") or {}) for one in document.get("resources", [])],
        routes=document.get("routes", []),
        integrations=_by("integrationId", document.get("integrations", [])),
        stages=_by("stageName", document["stages"]),
        authorizers=_by(by, document["authorizers"]),
        validators=_by("id", document.get("requestvalidators", [])),
        models=_by("name", document.get("models", [])),
        gateway_responses=_by("responseType", document.get("gatewayresponses", [])),
        usage=document["usage"],
        binary_media_types=list(dict.fromkeys(one for one in types if one)),
    )


def _query(part: str) -> str:
    return f"limit={PAGE}&embed=methods" if part == "resources" else f"limit={PAGE}"


def _all_pages(backend: Backend, get: Any, target: str, answer: EndpointResponse) -> list[Doc]:
    items: list[Doc] = []
    for _ in range(MOST_PAGES):
        page = _json(answer)
        items.extend(page.get("item") or page.get("items") or [])
        position = page.get("position") or page.get("nextToken")
        if not position:
            return items
        answer = backend.send(get(f"{target}&position={quote(str(position), safe='')}&nextToken={quote(str(position), safe='')}"))
    raise Error(f"{target}: more than {MOST_PAGES} pages")


def _usage(backend: Backend, get: Any, api_id: str) -> list[Doc]:
    """The API's usage plans, each with its keys; of each key also whether it is enabled, which the plan doesn't say."""
    plans, keys = backend.send_all([get(f"/usageplans?limit={PAGE}"), get(f"/apikeys?includeValues=true&limit={PAGE}")])
    every = _all_pages(backend, get, f"/usageplans?limit={PAGE}", plans)
    # Of the others the keys aren't asked for: an exchange has a limited number of calls.
    found = [plan for plan in every if any(stage.get("apiId") == api_id for stage in plan.get("apiStages") or [])]
    by_id = _by("id", _all_pages(backend, get, f"/apikeys?includeValues=true&limit={PAGE}", keys))
    targets = [f"/usageplans/{quote(plan['id'], safe='')}/keys?limit={PAGE}" for plan in found]
    for plan, target, answer in zip(found, targets, backend.send_all([get(target) for target in targets]), strict=True):
        plan["keys"] = [{**key, **by_id.get(key["id"], {})} for key in _all_pages(backend, get, target, answer)]
    return found


def _authorizers(backend: Backend, get: Any, base: str, routes: list[Doc]) -> list[Doc]:
    """Those of an HTTP API's routes, one by one: moto has no list of them. A route whose authorizer is missing is refused when it is called."""
    names = sorted({str(route["authorizerId"]) for route in routes if route.get("authorizerId")})
    answers = backend.send_all([get(f"{base}/authorizers/{quote(name, safe='')}") for name in names])
    return [found for found in map(_json, answers) if "authorizerId" in found]


def _needs_key(document: Doc) -> bool:
    methods = (method for one in document.get("resources", []) for method in (one.get("resourceMethods") or {}).values())
    return any(method.get("apiKeyRequired") for method in methods)


def _json(answer: EndpointResponse) -> Doc:
    if answer.status == 404:
        # A part that this backend doesn't know.
        return {}
    if answer.status != 200:
        raise Error(f"the backend answered {answer.status} when it was asked for a part of an API")
    try:
        found = json.loads(answer.body)
    except (ValueError, RecursionError):
        raise Error("the backend's answer about an API is no JSON") from None
    return found if isinstance(found, dict) else {}


def _by(key: str, items: list[Doc]) -> dict[str, Doc]:
    return {item[key]: item for item in items if key in item}
