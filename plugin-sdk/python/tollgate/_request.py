"""The request of the exchange in hand: an object without content, each property one host call."""

from wit_world.imports import request as _host

from ._errors import host_errors
from ._message import Message
from ._text import to_text


class Request(Message):
    """The request as the plugins before this one left it.

    In ``return_response`` it is the one that went to the backend, past changing. Setting a property may raise
    FieldError.
    """

    @property
    def method(self) -> str:
        """The method, case as sent: ``GET``, ``PROPFIND``."""
        return _host.method()

    @method.setter
    def method(self, method: str) -> None:
        with host_errors():
            _host.set_method(to_text(method, "method"))

    @property
    def scheme(self) -> str:
        """How the client spoke to the host: ``http`` or ``https``."""
        return _host.scheme()

    @property
    def authority(self) -> str:
        """The host and port that the client asked for, empty if it named none.

        Setting it changes what the backend sees, as setting the field ``host`` does.
        """
        return _host.authority()

    @authority.setter
    def authority(self, authority: str) -> None:
        with host_errors():
            _host.set_authority(to_text(authority, "authority"))

    @property
    def target(self) -> str:
        """Path and query as they stand on the wire: never decoded, never normalised.

        What is set begins with ``/`` (or is ``*`` for OPTIONS) and is sent as given.
        """
        return _host.target()

    @target.setter
    def target(self, target: str) -> None:
        with host_errors():
            _host.set_target(to_text(target, "target"))

    @property
    def path(self) -> str:
        """The target up to its first ``?``, raw."""
        return _host.target().partition("?")[0]

    @property
    def query(self) -> str | None:
        """What follows the first ``?`` of the target, raw; None without a ``?``."""
        _, mark, query = _host.target().partition("?")
        return query if mark else None


request = Request(_host)
