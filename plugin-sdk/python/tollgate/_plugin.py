"""The two hooks as the host wants them: what they return and raise becomes a verdict or one line of error."""

import functools
import json as _json
import traceback
from collections.abc import Callable
from typing import Any

from componentize_py_types import Err
from wit_world.exports.interceptor import Verdict

from ._errors import Error
from ._response import response
from ._text import Fields, Value, to_text


class Plugin:
    """What a plugin derives from; the bindings find it by the name ``Interceptor``.

    Whatever a hook raises is its error: the text goes to the host's log, and the plugin's failure policy decides.
    Without this class it would be a trap, which costs the instance.
    """

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        for name, check in (("forward_request", _verdict), ("return_response", _nothing)):
            if name in cls.__dict__:
                setattr(cls, name, _failing(getattr(cls, name), check))

    def forward_request(self) -> Verdict | None:
        """Called before the backend is asked, as soon as the request's head is there.

        Returns ``answer(…)`` to answer without the backend, nothing to go on.
        """
        return Verdict.FORWARD

    def return_response(self) -> None:
        """Called when the response's head is there."""


def answer(
    status: int = 200,
    *,
    fields: Fields | None = None,
    body: Value | None = None,
    text: str | None = None,
    json: Any = None,
) -> Verdict:
    """Answers the request without the backend: ``return answer(403, text="no\\n")`` in ``forward_request``.

    ``body`` is sent as it is; ``text`` and ``json`` set ``content-type`` too, unless ``fields`` has one. Raises
    FieldError.
    """
    response.status = status
    if fields:
        response.set_fields(fields)
    media_type = None
    if text is not None:
        media_type, body = "text/plain; charset=utf-8", text
    elif json is not None:
        media_type = "application/json"
        body = _json.dumps(json, ensure_ascii=False, separators=(",", ":"))
    if media_type and response.field_bytes("content-type") is None:
        response.set_field("content-type", media_type)
    if body is not None:
        response.set_body(body)
    return Verdict.RESPOND


def _failing(hook: Callable[[Any], Any], check: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """The hook with every exception as the contract's error, which is one line of text."""

    @functools.wraps(hook)
    def wrapped(self: Any) -> Any:
        try:
            return check(hook(self))
        except Exception as error:
            raise Err(to_text(_describe(error), "error")) from None

    return wrapped


def _verdict(returned: Any) -> Verdict:
    if returned is None:
        return Verdict.FORWARD
    if isinstance(returned, Verdict):
        return returned
    raise Error(f"forward_request returned {returned!r}: expected nothing or answer(…)")


def _nothing(returned: Any) -> None:
    if returned is not None:
        raise Error(f"return_response returned {returned!r}: expected nothing")


def _describe(error: Exception) -> str:
    """What is wrong; for mistakes in the code also where."""
    if isinstance(error, Error):
        return str(error)
    if isinstance(error, Err):
        return str(error.value)
    frame = traceback.extract_tb(error.__traceback__)[-1]
    file = frame.filename.rpartition("/")[2]
    return f"{type(error).__name__}: {error} ({file}:{frame.lineno} in {frame.name})"
