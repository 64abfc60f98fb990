"""Bodies that a plugin rewrites as they flow: what an author derives from, and what the host calls."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any, Literal

from componentize_py_types import Err
from wit_world.imports import types as _types

from ._describe import describe
from ._errors import Error
from ._host import begin, body_sink
from ._nearest import nearest
from ._text import Value, to_bytes, to_text

METHODS = ("begin", "piece", "end")

Unit = Literal["bytes", "text", "lines", "events", "messages"]


class Fate(Enum):
    """What becomes of a piece of a body. To put other bytes in its place, return those."""

    KEEP = "keep"
    """It goes on as it is, after what was emitted. It is not copied back to the host."""
    REPLACE = "replace"
    """What was emitted goes on in its place, which may be nothing."""
    STOP = "stop"
    """What was emitted goes on, then the body ends properly. Its source is told to stop."""


@dataclass(frozen=True)
class Wish:
    """That a plugin wants a body, and how it is cut into pieces.

    ``bytes``: as it arrives; ``text``: never inside a UTF-8 character; ``lines``: with their line ends; ``events``: of an event
    stream, see ``tollgate.events``; ``messages``: of gRPC.
    """

    unit: Unit = "bytes"
    decoded: bool = False
    """Whether ``content-encoding`` is undone before the plugin and done again behind it."""

    def __post_init__(self) -> None:
        if str(self.unit).upper() not in _types.Unit.__members__:
            known = ", ".join(unit.lower() for unit in _types.Unit.__members__)
            raise TypeError(f"Wish: unit {self.unit!r} is unknown: there are {known}")


class Body:
    """What rewrites one body, from its beginning to its end. An instance lives as long as the body, so its attributes are the state.

    The classes must be called ``ResponseBody`` (on its way to the client) and ``RequestBody`` (to the backend), in ``plugin.py``.
    If a method raises, the message ends visibly broken, never as if it were complete; in ``begin`` nothing was sent yet, and the
    plugin's `on-failure` decides.
    """

    plugin: Any = None
    """The plugin's Interceptor, with what its ``start`` has put there."""

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        for name, method in cls.__dict__.items():
            meant = None if name in METHODS or name.startswith("_") or not callable(method) else nearest(name, METHODS, most=1)
            if meant is not None:
                raise TypeError(f"{cls.__name__}.{name} is never called: did you mean {meant}?")

    def begin(self) -> Wish | None:
        """Called when the head is final, before the first piece. Returns ``Wish(…)``, or None to leave this body alone."""
        raise NotImplementedError

    def piece(self, piece: bytes) -> Value | Fate:
        """Called for each piece. Returns the bytes or text that goes on in its place, or a Fate.

        What was emitted goes on first.
        """
        raise NotImplementedError

    def end(self) -> None:
        """Called when the body is complete, and not after ``Fate.STOP``: may emit what is left."""


def emit(data: Value) -> None:
    """Sends bytes or text of the body on, in ``piece`` and ``end``. Waits while the receiver is not ready."""
    body_sink.emit(to_bytes(data, "emit"))


class Exported:
    """What the host calls, for a class of the plugin. An instance of the component has one body at a time."""

    def __init__(self, kind: type[Body], plugin: Callable[[], Any]) -> None:
        self._kind = kind
        self._plugin = plugin
        self._body: Body | None = None

    def begin(self) -> Any:
        begin()
        self._body = None
        try:
            body = self._kind()
            body.plugin = self._plugin()
            wish = body.begin()
            if wish is None:
                return None
            if not isinstance(wish, Wish):
                raise Error(f"{self._kind.__name__}.begin returned {wish!r}: expected Wish(…) or None")
        except Exception as error:
            raise _line(error) from None
        self._body = body
        return _types.BodyWish(_types.Unit[wish.unit.upper()], bool(wish.decoded))

    def piece(self, data: bytes) -> Any:
        begin()
        try:
            fate = _fate(self._kind, data, self._begun().piece(data))
        except Exception as error:
            raise _line(error) from None
        if fate is Fate.STOP:
            self._body = None
        return _types.Fate[fate.name]

    def end(self) -> None:
        begin()
        try:
            body, self._body = self._begun(), None
            returned = body.end()
            if returned is not None:
                raise Error(f"{self._kind.__name__}.end returned {returned!r}: emit(…) what is left")
        except Exception as error:
            raise _line(error) from None

    def _begun(self) -> Body:
        if self._body is None:
            raise Error("the host gave a piece of a body that had not begun")
        return self._body


def _fate(kind: type[Body], data: bytes, returned: object) -> Fate:
    if isinstance(returned, Fate):
        return returned
    if not isinstance(returned, (str, bytes, bytearray, memoryview)):
        raise Error(f"{kind.__name__}.piece returned {returned!r}: expected bytes, text or a Fate")
    content = to_bytes(returned, "piece")
    if content == data:
        return Fate.KEEP
    emit(content)
    return Fate.REPLACE


def _line(error: Exception) -> Err:
    return Err(to_text(describe(error), "error"))
