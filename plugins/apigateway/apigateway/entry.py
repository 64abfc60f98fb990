"""Where a request comes in: for an API, a test-invoke, a change to an API, or none of them."""

from __future__ import annotations

import ipaddress
import json
import re
from typing import Any
from urllib.parse import unquote

from tollgate import BodyError, Error, exchange, log, request
from tollgate.client import SendError
from tollgate.state import StateError

from . import changes, http_api, importing, invoke, kept, overlay, reply, testinvoke
from .backend import Backend
from .config import Config
from .definitions import Definitions, forget, forget_everything
from .errors import GatewayError, plain
from .message import Call
from .model import Api
from .services import Services
from .urls import parse_query

# LocalStack's own form, and the one that it had later.
_USER_REQUEST = re.compile(r"(/restapis/([A-Za-z0-9_-]{1,64})/([A-Za-z0-9_$-]{1,128})/_user_request_)(/.*)?")
_EXECUTE_PATH = re.compile(r"(/_aws/execute-api/([A-Za-z0-9_-]{1,64})/([A-Za-z0-9_$-]{1,128}))(/.*)?")
_EXECUTE_HOST = re.compile(r"([a-z0-9_-]{1,64})\.execute-api\.(?:([a-z]{2}(?:-[a-z]+)+-\d)\.)?")
_TEST_INVOKE = re.compile(r"/restapis/([A-Za-z0-9_-]{1,64})/resources/([A-Za-z0-9_-]{1,64})/methods/([A-Za-z]+)/?")

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
"""Those that API Gateway has. Another one, `post` too, would be ANY's, and no policy names it."""

CHANGED = "changed"
"""The note of an exchange that changes a definition."""


class Gateway:
    def __init__(self, config: Config) -> None:
        self._services = Services(config, Backend(config))
        self._definitions = Definitions(self._services)

    def forward(self) -> Any:
        """The answer to a request for an API; for others nothing, after a definition that will change was dropped."""
        path, _, query = request.target.partition("?")
        if path.startswith("/restapis/") and "/_user_request_" in path or path.startswith("/_aws/execute-api/"):
            found = _USER_REQUEST.fullmatch(path) or _EXECUTE_PATH.fullmatch(path)
            if found is None:
                return reply.send(plain(GatewayError("MISSING_AUTHENTICATION_TOKEN")))
            return self._invoke(found[2], None, found[3], found[1], found[4] or "/", query)
        host = request.authority.lower()
        # `@` is in no stage's name: this is the management API of WebSocket APIs, which moto has.
        if ".execute-api." in host and not path.startswith("/@connections/"):
            named = _EXECUTE_HOST.match(host)
            if named is None:
                return reply.send(plain(GatewayError("RESOURCE_NOT_FOUND")))
            return self._invoke(named[1], named[2], None, "", path, query)
        method = request.method
        if method == "POST" and (test := _TEST_INVOKE.fullmatch(path)):
            return self._test(test[1], test[2], test[3].upper())
        return self._pass(method, path)

    def back(self) -> None:
        """Drops the definition that was changed, now that the backend has changed it, and mends what the backend lost of the change."""
        note = exchange.note(CHANGED)
        if note is not None:
            overlay.after(request.method, request.path)
            importing.after(request.method, request.path)
            kept.after(request.method, request.path, lambda api_id: self._definitions.get(api_id) is not None)
            if request.path.startswith(changes.MOTO):
                forget_everything()
            elif note:
                forget(note)

    def _pass(self, method: str, path: str) -> Any:
        changed = None
        if method not in changes.READS:
            changed = changes.touched(method, path, request.field("authorization"))
            if changed is not None:
                forget(changed)
        imported = importing.before(method, path)
        if changed is not None or imported or overlay.watches(method, path) or kept.find(path) is not None:
            exchange.set_note(CHANGED, changed or "")
            overlay.before(method, path)
            kept.before(method, path)
        return None

    def _invoke(self, api_id: str, region: str | None, stage: str | None, base: str, path: str, query: str) -> Any:
        if request.method not in METHODS:
            log.info(f"{api_id}: API Gateway has no method {request.method}; it has {', '.join(METHODS)}")
            return reply.send(plain(GatewayError("FORBIDDEN")))
        try:
            api = self._definitions.get(api_id, region)
            if api is None:
                log.info(f"there is no API {api_id}")
                return reply.send(plain(GatewayError("FORBIDDEN")))
            call = self._call(api, stage, base, path, query)
        except BodyError as error:
            if error.reason != "too-large":
                raise
            return reply.send(plain(GatewayError("REQUEST_TOO_LARGE")))
        except (SendError, StateError, Error) as error:
            log.error(f"{api_id}: {error}")
            return reply.send(plain(GatewayError("DEFAULT_5XX")))
        run = invoke.execute if api.kind == "REST" else http_api.execute
        try:
            return reply.send(run(call, self._services), call)
        except RecursionError:
            log.warn(f"{api_id} {call.method} {call.path}: a body or a definition is nested too deeply: make it flatter")
            return reply.send(plain(GatewayError("DEFAULT_5XX")), call)

    def _call(self, api: Api, stage: str | None, base: str, path: str, query: str) -> Call:
        if stage is None:
            stage, path = _split_stage(api, path)
            base = "" if stage == "$default" else f"/{stage}"
        fields = request.fields()
        sized = any(name == "content-length" or name == "transfer-encoding" for name, _ in fields)
        method = request.method
        # HTTP/2 needs no length; a body with GET is rare enough to be asked for only if it is announced.
        body = request.body() if sized or method not in ("GET", "HEAD", "OPTIONS", "DELETE") else b""
        return Call(
            api=api,
            stage=stage,
            method=method,
            path=path,
            query=parse_query(query) if query else [],
            fields=fields,
            body=body,
            source_ip=source_ip(exchange.client_address),
            host=request.authority,
            base_path=base,
        )

    def _test(self, api_id: str, resource_id: str, verb: str) -> Any:
        try:
            api = self._definitions.get(api_id)
            if api is None or api.kind != "REST":
                return None  # The backend knows how to say that there is none.
            return testinvoke.answer(api, resource_id, verb, _json(request.body()), self._services)
        except GatewayError as error:
            return reply.send(plain(error))
        except BodyError as error:
            if error.reason != "too-large":
                raise
            return reply.send(plain(GatewayError("REQUEST_TOO_LARGE")))
        except (SendError, StateError, Error, RecursionError) as error:
            log.error(f"{api_id}: {error}")
            return reply.send(plain(GatewayError("DEFAULT_5XX")))


def source_ip(address: str) -> str:
    """Of `ADDRESS:PORT`, in the one spelling that policies compare: an IPv4 address on an IPv6 listener is `::ffff:10.1.2.3`."""
    text = address.rpartition(":")[0].strip("[]").partition("%")[0]
    try:
        found = ipaddress.ip_address(text)
    except ValueError:
        return text
    return str(getattr(found, "ipv4_mapped", None) or found)


def _json(body: bytes) -> Any:
    try:
        return json.loads(body or b"{}")
    except (ValueError, RecursionError):
        raise GatewayError("BAD_REQUEST_BODY", "Invalid request body: send a JSON object") from None


def _split_stage(api: Api, path: str) -> tuple[str, str]:
    """The stage and what follows it. HTTP APIs have a stage `$default` without a segment of its own."""
    first, _, rest = path[1:].partition("/")
    name = unquote(first)
    if api.kind != "REST" and name not in api.stages:
        return "$default", path
    return name, "/" + rest


