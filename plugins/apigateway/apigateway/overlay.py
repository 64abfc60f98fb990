"""What moto doesn't keep of an API, and doesn't say of it, put beside it.

- The region of an API: moto has one list of APIs for each region, and a call of an API doesn't say which.
- `binaryMediaTypes`: moto forgets them when an API is created with them, and a PATCH that adds one by its path.
- `GET …/documentation/versions` is 404 in moto.
"""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.parse import unquote

from tollgate import BodyError, request, response

from . import changes, definitions

_CREATE = ("/restapis", "/v2/apis")
_API = re.compile(r"/restapis/([A-Za-z0-9_-]{1,64})/?")
_VERSIONS = re.compile(r"/restapis/[A-Za-z0-9_-]{1,64}/documentation/versions/?")
_TYPES = "/binaryMediaTypes"


def watches(method: str, path: str) -> bool:
    """Whether `after` has something to do when the backend has answered."""
    if not path.startswith(_CREATE):
        return False
    if method == "POST":
        return path in _CREATE
    return bool(_API.fullmatch(path) or (method == "GET" and _VERSIONS.fullmatch(path)))


def before(method: str, path: str) -> None:
    """In `forward_request`: asks for the body that `after` needs, which is gone by then if nobody did."""
    if (method == "POST" and path in _CREATE) or (method == "PATCH" and _API.fullmatch(path)):
        _json(request)


def after(method: str, path: str) -> None:
    """In `return_response`: keeps what the request said and moto won't know, and completes what moto answers."""
    if method == "GET" and _VERSIONS.fullmatch(path):
        if response.status == 404:
            response.status = 200
            response.set_json({"items": [], "item": []})
    elif response.status >= 300:
        return
    elif method == "POST" and path in _CREATE:
        _created()
    elif found := _API.fullmatch(path):
        if method == "DELETE":
            definitions.forget_region(found[1])
            return
        if method == "PATCH":
            _patched(found[1])
        _complete(found[1])


def _created() -> None:
    made = _json(response)
    api_id = made.get("id") or made.get("apiId")
    if not isinstance(api_id, str):
        return
    scope = changes.scope(request.field("authorization"))
    if scope is not None:
        definitions.remember_region(api_id, scope[0])
    types = _json(request).get("binaryMediaTypes")
    if isinstance(types, list) and types and not made.get("binaryMediaTypes"):
        definitions.remember_binary_media_types(api_id, [str(one) for one in types])
        _complete(api_id)


def _patched(api_id: str) -> None:
    """A PATCH names the type in its path, `/binaryMediaTypes/image~1png`, where moto looks at the value alone."""
    operations = _json(request).get("patchOperations")
    if not isinstance(operations, list):
        return
    types = definitions.binary_media_types(api_id)
    for one in operations:
        name = str(one.get("path", "")) if isinstance(one, dict) else ""
        if not name.startswith(_TYPES + "/"):
            continue
        media_type = unquote(name.removeprefix(_TYPES + "/")).replace("~1", "/").replace("~0", "~")
        types = [known for known in types if known != media_type]
        if one.get("op") == "add":
            types.append(media_type)
        elif one.get("op") == "replace" and one.get("value"):
            types.append(str(one["value"]))
    definitions.remember_binary_media_types(api_id, types)


def _complete(api_id: str) -> None:
    """Adds the media types to moto's answer about the API."""
    types = definitions.binary_media_types(api_id)
    if not types:
        return
    made = _json(response)
    if "id" not in made:
        return
    known = [one for one in made.get("binaryMediaTypes") or [] if one]
    made["binaryMediaTypes"] = list(dict.fromkeys([*known, *types]))
    response.set_json(made)


def _json(message: Any) -> dict[str, Any]:
    try:
        found = json.loads(message.body() or b"{}")
    except (BodyError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
