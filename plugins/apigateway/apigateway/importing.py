"""Imports that pass, and authorizers that are created: what moto would lose of them is kept in the state, under `i/ID`.

`imports` says what that is. The request's body is read on its way to the backend, as it isn't there any more when the answer comes.
"""

from __future__ import annotations

import json
import re
from io import StringIO
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from tollgate import BodyError, log, request, response, state

from . import imports
from .model import Doc

_API = re.compile(r"/(?:restapis|v2/apis)/([A-Za-z0-9_-]{1,64})/?")
_AUTHORIZERS = re.compile(r"/restapis/([A-Za-z0-9_-]{1,64})/authorizers(?:/([A-Za-z0-9_-]{1,64}))?/?")


def before(method: str, path: str) -> bool:
    """In `forward_request`: whether `after` has something to do with this request. Its body is then kept for it."""
    wanted = _is_import(method, path) or (method in ("POST", "PATCH") and _AUTHORIZERS.fullmatch(path) is not None)
    if wanted:
        try:
            body = request.body()
            if _is_import(method, path) and path.startswith("/restapis"):
                _mend(body)
        except BodyError as error:
            # `after` can't read it either. The methods of an import that is not seen have no authorization, so they are refused.
            log.debug(f"{method} {path}: {error}")
    return wanted or (method == "DELETE" and _API.fullmatch(path) is not None)


def _mend(body: bytes) -> None:
    """Gives moto a document that it can take."""
    document = _document(body)
    if document is not None and imports.is_document(document):
        mended = imports.mended(document)
        if mended != document:
            request.set_json(mended)


def after(method: str, path: str) -> None:
    """In `return_response`, after a request for which `before` said yes."""
    if not 200 <= response.status < 300:
        return
    one = _API.fullmatch(path)
    if method == "DELETE" and one:
        state.delete(f"i/{one[1]}")
        return
    authorizers = _AUTHORIZERS.fullmatch(path)
    try:
        if _is_import(method, path):
            _imported(path)
        elif authorizers and method in ("POST", "PATCH"):
            _authorizer(authorizers[1])
    except BodyError as error:
        log.warn(f"{method} {path}: what the backend loses of it is lost here too: {error}")


def kept(api_id: str) -> Doc | None:
    """The overlay of an API."""
    text = state.get(f"i/{api_id}")
    found: Doc | None = None if text is None else json.loads(text)
    return found


def _is_import(method: str, path: str) -> bool:
    return (method == "POST" and path in ("/restapis", "/restapis/")) or (method == "PUT" and _API.fullmatch(path) is not None)


def _imported(path: str) -> None:
    document = _document(request.body())
    made = _json(response.body())
    kind = "HTTP" if path.startswith("/v2/") else "REST"
    api_id = made.get("id") or made.get("apiId")
    if kind == "HTTP":
        document = _document(str((document or {}).get("body") or "").encode())
    if not isinstance(api_id, str) or document is None or not imports.is_document(document):
        return
    mode = "overwrite" if kind == "HTTP" else request.query_param("mode") or "merge"
    new = imports.overlay(document, kind)
    _keep(api_id, imports.merged(kept(api_id), new, mode))


def _authorizer(api_id: str) -> None:
    """moto forgets `identityValidationExpression` of a new authorizer."""
    asked, made = _json(request.body()), _json(response.body())
    authorizer_id = made.get("id")
    if not isinstance(authorizer_id, str):
        return
    expression = asked.get("identityValidationExpression")
    if request.method == "PATCH":
        operations = [one for one in asked.get("patchOperations") or [] if isinstance(one, dict)]
        changes = [one for one in operations if one.get("path") == "/identityValidationExpression"]
        if not changes:
            return
        expression = changes[-1].get("value") if changes[-1].get("op") != "remove" else None
    old = kept(api_id) or {}
    expressions = {name: value for name, value in (old.get("expressions") or {}).items() if name != authorizer_id}
    if expression:
        expressions[authorizer_id] = expression
        if not made.get("identityValidationExpression"):
            response.set_json({**made, "identityValidationExpression": expression})
    if expressions or old:
        _keep(api_id, {**old, "expressions": expressions})


def _keep(api_id: str, overlay: Doc) -> None:
    state.set(f"i/{api_id}", json.dumps(overlay, ensure_ascii=False, separators=(",", ":")))


def _document(body: bytes) -> Doc | None:
    """A document in JSON or YAML, as moto takes it; None if it is neither."""
    text = body.decode("utf-8", "replace")
    try:
        found: Any = json.loads(text)
    except RecursionError:
        return _refused("it is nested too deeply")
    except ValueError:
        found = _yaml(text)
    return found if isinstance(found, dict) else None


def _yaml(text: str) -> Any:
    reader = YAML(typ="safe", pure=True)
    # moto reads with PyYAML, which knows version 1.1: `on` is true there.
    reader.version = (1, 1)
    try:
        return reader.load(StringIO(text))
    except RecursionError:
        return _refused("it is nested too deeply")
    except (YAMLError, ValueError) as error:
        return _refused(str(error))


def _refused(why: str) -> None:
    """Its methods have no authorization then, so they are refused."""
    log.warn(f"the imported document can't be read: {why}; mend it and import it again")


# What is imported by the way is imported now: there are no files when a hook runs.
_yaml("a: [1, 'b', {c: 2026-01-01}]")


def _json(body: bytes) -> Doc:
    try:
        found = json.loads(body or b"{}")
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
