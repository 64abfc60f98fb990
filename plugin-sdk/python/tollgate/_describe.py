"""An exception as one line: what is wrong, for mistakes in the code also where, and what it was caused by."""

import sys
import traceback
from types import FrameType, TracebackType

from componentize_py_types import Err

from ._errors import Error

# Where the helper and Python's own library are: the frames that a plugin's author can do nothing about.
_HERE = __file__.rpartition("/")[0] + "/"
_LIBRARY = traceback.__file__.rpartition("/")[0] + "/"
# Where the plugin is; packages of others are elsewhere.
_own = ""


def own_frames_are_in(directory: str) -> None:
    global _own
    _own = directory


def describe(error: BaseException) -> str:
    lines: list[str] = []
    seen: set[int] = set()
    cause: BaseException | None = error
    while cause is not None and id(cause) not in seen:
        seen.add(id(cause))
        lines.append(_one(cause))
        # As Python itself would tell it.
        cause = cause.__cause__ or (None if cause.__suppress_context__ else cause.__context__)
    return ": caused by ".join(lines)


def _one(error: BaseException) -> str:
    if isinstance(error, Error):
        return str(error)
    if isinstance(error, Err):
        return str(error.value)
    return f"{type(error).__name__}: {error}{_hint(error)}{_place(error.__traceback__)}"


def _place(trace: TracebackType | None) -> str:
    """The innermost frame that is the plugin's own, else one of a package of others."""
    frames = traceback.walk_tb(trace)
    near = [frame for frame in frames if not frame[0].f_code.co_filename.startswith((_HERE, _LIBRARY, "<"))]
    own = [frame for frame in near if frame[0].f_code.co_filename.startswith(_own)]
    if not near:
        return ""
    frame: FrameType
    frame, line = (own or near)[-1]
    file = frame.f_code.co_filename.rpartition("/")[2]
    return f" ({file}:{line} in {frame.f_code.co_name})"


def _hint(error: BaseException) -> str:
    """What to do about what a plugin's Python lacks."""
    if isinstance(error, ImportError):
        return ": import it at the top of a module, there are no files when a hook runs"
    if isinstance(error, LookupError) and str(error).startswith("unknown encoding: "):
        encoding = str(error).removeprefix("unknown encoding: ").replace("-", "_")
        return f": add `import encodings.{encoding}` at the top of a module, there are no files when a hook runs"
    return ""


def without_network() -> None:
    """Makes a connection that is tried an error that says what is wrong, if the plugin imports sockets at all."""
    socket = sys.modules.get("socket")
    if socket is None:
        return

    def refuse(*_: object, **__: object) -> None:
        raise OSError("a plugin has no sockets: send requests with tollgate.client")

    for name in ("create_connection", "getaddrinfo", "gethostbyname"):
        setattr(socket, name, refuse)
