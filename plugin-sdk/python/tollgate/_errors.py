"""What can go wrong, as exceptions.

The bindings raise a variant of the contract inside ``Err``, which says nothing when printed.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager

from componentize_py_types import Err


class Error(Exception):
    """Raise it from a hook to give up on the exchange. The text goes to the host's log, never to the client."""


class FieldError(Error):
    """Why a part of a message could not be changed. Nothing was changed.

    ``reason`` is ``invalid-name``, ``invalid-value``, ``owned-by-host`` or ``too-many``; ``detail`` is the name, or
    what is wrong with the value.
    """

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(_FIELD_TEXTS[reason].format(detail))
        self.reason = reason
        self.detail = detail


class BodyError(Error):
    """Why a body can't be had. A hook that lets it pass ends the exchange with 413, 408 or 502.

    ``reason`` is ``too-large``, ``timed-out``, ``disconnected`` or ``already-streamed``; ``detail`` is the limit in
    bytes, or what the host saw.
    """

    def __init__(self, reason: str, detail: str | int = "") -> None:
        super().__init__(_BODY_TEXTS[reason].format(detail))
        self.reason = reason
        self.detail = detail


class StateError(Error):
    """Why the state could not be read or written.

    ``reason`` is ``too-large``, ``full`` or ``not-a-number``, and nothing was changed; or ``timed-out`` or ``unavailable``, and a
    write may have been done. ``detail`` says what is wrong.
    """

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail


class SendError(Error):
    """Why there is no response to an outbound request.

    ``reason`` is ``denied``, ``invalid-request``, ``unresolved``, ``unreachable``, ``tls``, ``timed-out``, ``too-large``,
    ``protocol`` or ``too-many``; ``detail`` says what is wrong.
    """

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail


class BackendError(Error):
    """Why the backend of a request was not changed.

    ``reason`` is ``denied``, ``unknown`` or ``too-late`` (there is no request to be sent); ``detail`` says what is wrong.
    """

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(detail or "the backend can be chosen in forward_request alone")
        self.reason = reason
        self.detail = detail


class SettingError(Error, KeyError):
    """A setting is missing, or not what the plugin expects."""

    __str__ = Exception.__str__  # KeyError's would quote the text


_FIELD_TEXTS = {
    "invalid-name": '"{}" is not a field name',
    "invalid-value": "{}",
    "owned-by-host": "the field {} is set by the host alone",
    "too-many": "the message has as many fields as the host allows",
}

_BODY_TEXTS = {
    "too-large": "the body is longer than the {} bytes that this plugin may read",
    "timed-out": "the body did not arrive in time",
    "disconnected": "the body broke off: {}",
    "already-streamed": "the body has gone on to its receiver: read it in forward_request if it is needed later",
}

_KINDS = {kind.__name__: kind for kind in (FieldError, BodyError, StateError, SendError, BackendError)}


def from_host(value: object) -> Error:
    """A variant of the contract as an exception: ``FieldError_TooMany`` is a FieldError with the reason ``too-many``."""
    kind, _, case = type(value).__name__.partition("_")
    reason = re.sub("(?<!^)(?=[A-Z])", "-", case).lower()
    return _KINDS[kind](reason, getattr(value, "value", ""))


@contextmanager
def host_errors() -> Iterator[None]:
    """Turns what the host refuses inside the block into an exception of this module."""
    try:
        yield
    except Err as error:
        raise from_host(error.value) from None
