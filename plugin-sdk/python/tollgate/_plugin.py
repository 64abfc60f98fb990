"""The two hooks as the host wants them: what they return and raise becomes a verdict or one line of error."""

import functools
import json as _json
from collections.abc import Callable
from typing import Any

from componentize_py_types import Err
from wit_world.exports.interceptor import Verdict

from ._describe import describe
from ._errors import Error
from ._host import begin
from ._nearest import nearest
from ._response import response
from ._text import Fields, Value, to_text

HOOKS = ("forward_request", "return_response")
START = "start"
TICK = "tick"

# Whether the hook that runs has made an answer, and how many hooks run inside each other: one may call its parent's.
_answered = False
_depth = 0


class Plugin:
    """What a plugin derives from; the host calls the one of the name ``Interceptor``.

    Whatever a hook raises is its error: the text goes to the host's log, and the plugin's `on-failure` decides.
    Without this class it would be a trap, which costs the instance.

    A method ``tick`` is called at the interval ``background.every`` of the configuration, on an instance of its own: what it finds out
    is passed to the hooks by ``state``.

    A method whose name is nearly that of a hook is an error of the build: the host would never call it.
    """

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        for name, method in list(cls.__dict__.items()):
            known = (*HOOKS, START, TICK)
            meant = None if name in known or name.startswith("_") or not callable(method) else nearest(name, HOOKS)
            if meant is not None:
                raise TypeError(f"{cls.__name__}.{name} is no hook: did you mean {meant}?")
        for name, check in zip((*HOOKS, START, TICK), (_verdict, _nothing, _started, _ticked), strict=True):
            if name in cls.__dict__:
                setattr(cls, name, _failing(getattr(cls, name), check))

    def start(self) -> None:
        """Called once for each new instance, before the hooks: the place to read the settings.

        What it raises refuses the plugin, or the changed configuration. There is no exchange yet.
        """

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

    ``body`` is sent as it is; ``text`` and ``json`` set ``content-type`` too, unless ``fields`` has one. At most one of the
    three is given. Raises FieldError. The hook must return what this returns.
    """
    global _answered
    if sum(part is not None for part in (body, text, json)) > 1:
        raise TypeError("answer: body, text and json exclude each other")
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
    _answered = True
    return Verdict.RESPOND


def _failing(hook: Callable[[Any], Any], check: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """The hook with every exception as the contract's error, which is one line of text."""

    @functools.wraps(hook)
    def wrapped(self: Any) -> Any:
        global _answered, _depth
        begin()
        if _depth == 0:
            _answered = False
        _depth += 1
        try:
            return check(hook(self))
        except Exception as error:
            raise Err(to_text(describe(error), "error")) from None
        finally:
            _depth -= 1

    return wrapped


def _verdict(returned: Any) -> Verdict:
    if returned is not None and not isinstance(returned, Verdict):
        raise Error(f"forward_request returned {returned!r}: expected nothing or answer(…)")
    if _answered and _depth == 1 and returned is not Verdict.RESPOND:
        raise Error("answer(…) was called, but forward_request did not return it: write `return answer(…)`")
    return Verdict.FORWARD if returned is None else returned


def _started(returned: Any) -> None:
    if returned is not None:
        raise Error(f"start returned {returned!r}: expected nothing")


def _ticked(returned: Any) -> None:
    if returned is not None:
        raise Error(f"tick returned {returned!r}: expected nothing")


def _nothing(returned: Any) -> None:
    if returned is not None:
        raise Error(f"return_response returned {returned!r}: expected nothing")
    if _answered and _depth == 1:
        raise Error("answer(…) was called in return_response: change `response` there")
