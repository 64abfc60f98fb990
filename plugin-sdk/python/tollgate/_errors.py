"""What can go wrong, as exceptions.

The bindings raise a variant of the contract inside ``Err``, which says nothing when printed.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from componentize_py_types import Err
from wit_world.imports import types


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

_REASONS = {
    types.FieldError_InvalidName: (FieldError, "invalid-name"),
    types.FieldError_InvalidValue: (FieldError, "invalid-value"),
    types.FieldError_OwnedByHost: (FieldError, "owned-by-host"),
    types.FieldError_TooMany: (FieldError, "too-many"),
    types.BodyError_TooLarge: (BodyError, "too-large"),
    types.BodyError_TimedOut: (BodyError, "timed-out"),
    types.BodyError_Disconnected: (BodyError, "disconnected"),
    types.BodyError_AlreadyStreamed: (BodyError, "already-streamed"),
}


@contextmanager
def host_errors() -> Iterator[None]:
    """Turns what the host refuses inside the block into an exception of this module."""
    try:
        yield
    except Err as error:
        kind, reason = _REASONS[type(error.value)]
        raise kind(reason, getattr(error.value, "value", "")) from None
