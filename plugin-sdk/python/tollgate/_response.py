"""The response of the current exchange: an object without content, each property one host call."""

from ._errors import FieldError, host_errors
from ._host import response as _host
from ._message import Message


class Response(Message):
    """The backend's response, or a plugin's, as the plugins behind this one left it.

    In ``forward_request`` it is an empty 200 that becomes the answer if the hook responds; ``answer`` fills it in one
    go.
    """

    @property
    def status(self) -> int:
        """200 to 599; interim ones (1xx) are the host's. Setting it may raise FieldError."""
        return _host.status()

    @status.setter
    def status(self, status: int) -> None:
        if not isinstance(status, int):
            raise TypeError(f"status: expected int, got {type(status).__name__}")
        if not 0 <= status <= 0xFFFF:  # more than the contract's type can hold
            raise FieldError("invalid-value", f"{status} is not a final status (200 to 599)")
        with host_errors():
            _host.set_status(int(status))


response = Response(_host)
