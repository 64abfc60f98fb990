"""Information about the current exchange, and notes, which hold data during the exchange.

An instance of a plugin serves many exchanges, and the two hooks of one exchange may run in two instances: what
``return_response`` must know from ``forward_request`` goes into a note.
"""

from ._host import exchange as _host
from ._text import Value, to_bytes, to_text


class Exchange:
    @property
    def id(self) -> str:
        """Names this exchange in logs; unique for as long as the host runs."""
        return _host.id()

    @property
    def client_address(self) -> str:
        """The address and port of the peer on the connection: ``127.0.0.1:50312``."""
        return _host.client_address()

    def note(self, key: str) -> str | None:
        """A note that this plugin or one before it left, as text; None if there is none."""
        value = self.note_bytes(key)
        return None if value is None else value.decode("utf-8", "replace")

    def note_bytes(self, key: str) -> bytes | None:
        """A note as bytes; None if there is none."""
        return _host.note(to_text(key, "a note's key"))

    def set_note(self, key: str, value: Value) -> None:
        """Leaves a note for ``return_response`` and for later plugins.

        All plugins share the keys: begin yours with the plugin's name unless others shall read it.
        """
        _host.set_note(to_text(key, "a note's key"), to_bytes(value, f"note {key}"))


exchange = Exchange()
