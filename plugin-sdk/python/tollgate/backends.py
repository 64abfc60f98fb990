"""The backend that a request is sent to. The plugin needs the permission ``backends``, which lists the names of backends in the
configuration.

    from tollgate import backends

    backends.choose("next")
"""

from ._errors import BackendError, host_errors
from ._host import optional
from ._text import to_text

__all__ = ["BackendError", "choose", "current"]

_host = optional("backends")


def choose(name: str) -> None:
    """Sends the request to this backend, in ``forward_request``; the last call counts, whichever plugin makes it.

    The field ``host`` is not changed: see ``request.authority``. Raises BackendError.
    """
    with host_errors():
        _host.set_backend(to_text(name, "a backend's name"))


def current() -> str:
    """The name of the backend that the request is sent to: the one that was chosen last, else that of the route."""
    return _host.backend()
