"""Mapping templates: Velocity by airspeed-ext, with `$input`, `$util`, `$context` and `$stageVariables` as the Developer Guide has them."""

from __future__ import annotations

import json
import re
from typing import Any

import airspeed

from . import jsonpaths
from .errors import configuration
from .message import Call
from .values import Util, text, wrapped

__all__ = ["render", "text"]

# Forms that Velocity takes and airspeed doesn't: a space behind the number sign, and a reference right behind one.
_SPACED = re.compile(r"^([ \t]*)#[ \t]+(set|if|elseif|else|end|foreach)\b", re.M)
_BARE = re.compile(r"#(?=\$)")
# Text that no template has, with a letter inside, where airspeed stops reading text behind a number sign.
_FILLER = "\ue000x\ue000"
_UTIL = Util()


def render(call: Call, template: str, body: bytes, which: str) -> str:
    """A template's text. `body` is what `$input` is about; `which` names it (`body`, `answer`), as it is read once for each.

    Raises GatewayError if the template can't be read or carried out.
    """
    compiled = call.api.prepared.get(("vtl", template))
    if compiled is None:
        compiled = call.api.prepared["vtl", template] = _compile(template)
    if isinstance(compiled, str):
        return compiled
    namespace = {"input": Input(call, body, which), "util": _UTIL, "context": call.context, "stageVariables": call.stage_variables}
    try:
        rendered: str = compiled.merge(namespace)
    except RecursionError:
        raise configuration("the template is nested too deeply") from None
    except Exception as error:  # noqa: BLE001: whatever a template does, it is the template's mistake
        raise configuration(f"the template failed: {error}") from None
    return rendered.replace(_FILLER, "")


def _compile(template: str) -> Any:
    """The template, read; its text if there is nothing to do in it."""
    if "$" not in template and "#" not in template and "\\" not in template:
        return template
    read = airspeed.Template(_BARE.sub("#" + _FILLER, _SPACED.sub(r"\1#\2", template)))
    try:
        read.ensure_compiled()
    except airspeed.TemplateError as error:
        raise configuration(f"the template can't be read: {error}") from None
    except RecursionError:
        raise configuration("the template is nested too deeply") from None
    return read


class Input:
    """`$input`."""

    def __init__(self, call: Call, body: bytes, which: str) -> None:
        self._call = call
        self._body = body
        self._key = f"{which} for $input"

    @property
    def body(self) -> str:
        """The body as text; `{}` if there is none."""
        return self._body.decode("utf-8", "replace") or "{}"

    def json(self, path: str = "$") -> str:
        """What a JSONPath finds, as JSON text; an empty string's if nothing."""
        found = jsonpaths.find(self._document(), path or "$")
        return '""' if found is jsonpaths.MISSING else json.dumps(found, ensure_ascii=False, separators=(",", ":"))

    def path(self, path: str = "$") -> Any:
        """What a JSONPath finds, as an object for the template."""
        found = jsonpaths.find(self._document(), path or "$")
        return None if found is jsonpaths.MISSING else wrapped(found)

    def params(self, name: str | None = None) -> Any:
        """Without a name the map of `path`, `querystring` and `header`; with one the value that is found first in these. A header field's name
        may have other capitals."""
        call = self._call
        if name is None:
            return wrapped({"path": call.path_parameters, "querystring": call.query_map(), "header": call.headers()})
        found = call.path_parameters.get(name)
        if found is None:
            found = call.query_map().get(name)
        if found is None:
            found = call.field(name.lower())
        return "" if found is None else found

    def _document(self) -> Any:
        memo = self._call.memo
        if self._key not in memo:
            try:
                memo[self._key] = json.loads(self._body or b"{}")
            except (ValueError, RecursionError):
                raise configuration("the template reads the body as JSON, and it is none") from None
        return memo[self._key]
