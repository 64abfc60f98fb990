"""The request of the current exchange: an object without content, each property one host call."""

from ._errors import FieldError, host_errors
from ._host import request as _host
from ._message import Message
from ._text import to_text
from ._url import parse_cookies, parse_query


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

        Setting it changes the field ``host`` and nothing else: it does not choose another backend.
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
        """The target up to its first ``?``, raw. Setting it keeps the query."""
        return _host.target().partition("?")[0]

    @path.setter
    def path(self, path: str) -> None:
        if "?" in to_text(path, "path") or "#" in path:
            raise FieldError("invalid-value", f'the path "{path}" has a ? or #: encode it with url_encode')
        query = self.query
        self.target = path if query is None else f"{path}?{query}"

    @property
    def query(self) -> str | None:
        """What follows the first ``?`` of the target, raw; None without a ``?``."""
        _, mark, query = _host.target().partition("?")
        return query if mark else None

    def query_param(self, name: str) -> str | None:
        """The first parameter of this name in the query, decoded (``+`` is a space); None if there is none."""
        return next((value for found, value in self.query_params() if found == name), None)

    def query_params(self) -> list[tuple[str, str]]:
        """Name and value of all parameters of the query in their order, decoded."""
        return parse_query(self.query or "")

    def cookie(self, name: str) -> str | None:
        """The first cookie of this name, as it was sent; None if there is none."""
        return next((value for found, value in self.cookies() if found == name), None)

    def cookies(self) -> list[tuple[str, str]]:
        """Name and value of all cookies in their order, as they were sent."""
        return [cookie for field in self.field_values("cookie") for cookie in parse_cookies(field)]

    def accept_identity(self) -> None:
        """Asks the backend to send its response's body as it is, not compressed.

        For ``forward_request`` of a plugin that reads or rewrites the body in ``return_response``. Sets ``accept-encoding``
        to ``identity``.
        """
        self.set_field("accept-encoding", "identity")


request = Request(_host)
