"""What requests and responses have in common: fields and a body.

Each method is one host call; nothing is fetched before it is asked for.
"""

import json
from collections.abc import Callable
from typing import Any

from ._errors import Error, host_errors
from ._text import Fields, Value, to_bytes, to_field_list, to_text


class Message:
    """Fields and a body; ``host`` is the interface of the contract that has them."""

    def __init__(self, host: Any) -> None:
        self._host = host

    def field(self, name: str) -> str | None:
        """The first value of a field as text, None if the message doesn't have it. An empty value is not an absent one.

        Bytes that are not UTF-8 become U+FFFD; ``field_bytes`` has them.
        """
        value = self.field_bytes(name)
        return None if value is None else value.decode("utf-8", "replace")

    def field_bytes(self, name: str) -> bytes | None:
        """The first value of a field as it stands on the wire, None if the message doesn't have it."""
        return self._host.field(_name(name))

    def field_values(self, name: str) -> list[str]:
        """All values of a field as text, in their order."""
        return [value.decode("utf-8", "replace") for value in self.field_values_bytes(name)]

    def field_values_bytes(self, name: str) -> list[bytes]:
        """All values of a field as they stand on the wire, in their order."""
        return self._host.field_values(_name(name))

    def fields(self) -> list[tuple[str, str]]:
        """All fields in the order of the message, names in lower case, values as text, in one call."""
        return [(name, value.decode("utf-8", "replace")) for name, value in self.fields_bytes()]

    def fields_bytes(self) -> list[tuple[str, bytes]]:
        """All fields in the order of the message, names in lower case, values as they stand on the wire."""
        return self._host.fields()

    def set_field(self, name: str, value: Value) -> None:
        """Makes this the only value of the field. Raises FieldError."""
        with host_errors():
            self._host.set_field(_name(name), to_bytes(value, name))

    def set_fields(self, fields: Fields) -> None:
        """Sets several fields in one call, from a mapping (a repeated field has a list) or from pairs.

        What is given of a name is all that the message has of it afterwards; other names are left alone. Raises
        FieldError, and then none is changed.
        """
        with host_errors():
            self._host.set_fields(to_field_list(fields))

    def append_field(self, name: str, value: Value) -> None:
        """Adds a value behind those that the field has. Raises FieldError."""
        with host_errors():
            self._host.append_field(_name(name), to_bytes(value, name))

    def delete_field(self, name: str) -> None:
        """Removes every value of the field; it is no error if there was none. Raises FieldError."""
        with host_errors():
            self._host.delete_field(_name(name))

    def body(self) -> bytes:
        """The whole body, empty if there is none, as sent: ``content-encoding`` is not undone.

        It stays in place for everyone else. A body that no plugin asks for streams past, so ask only when it is
        needed. Raises BodyError.
        """
        with host_errors():
            return self._host.body()

    def text(self) -> str:
        """The whole body as text. Raises BodyError, or Error if it is not UTF-8."""
        try:
            return self.body().decode()
        except UnicodeDecodeError as error:
            self._refuse_encoded()
            raise Error(f"the body is not UTF-8: byte {error.object[error.start]:#04x} at {error.start}") from None

    def json(self) -> Any:
        """The whole body, read as JSON. Raises BodyError, or Error if it is not JSON."""
        text = self.text()
        try:
            return json.loads(text)
        except ValueError as error:
            raise Error(f"the body is not JSON: {error}") from None

    def set_body(self, body: Value) -> None:
        """Replaces the body. The host sets ``content-length``, removes ``content-encoding`` and digests, and weakens ``etag``.

        A plugin that puts an encoded body in place sets ``content-encoding`` in the same hook.
        """
        self._host.set_body(to_bytes(body, "the body"))

    def set_json(self, value: Any) -> None:
        """Replaces the body by a value as JSON.

        ``content-type`` becomes ``application/json`` unless it names a JSON type already.
        """
        body = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
        if "json" not in (self.field("content-type") or "").lower():
            self.set_field("content-type", "application/json")
        self.set_body(body)

    def map_text(self, rewrite: Callable[[str], str]) -> bool:
        """Rewrites the body as text. True if it was text; a body that isn't (an image, say) is left alone.

        Raises BodyError, and Error if the body is encoded (``content_coding``): call ``request.accept_identity()`` in
        ``forward_request``, so that the backend sends it plain.
        """
        self._refuse_encoded()
        body = self.body()
        try:
            text = body.decode()
        except UnicodeDecodeError:
            return False
        rewritten = rewrite(text)
        if rewritten != text:
            self.set_body(rewritten)
        return True

    def content_coding(self) -> str | None:
        """The coding of the body, such as ``gzip``; None if it is sent as it is."""
        coding = ", ".join(self.field_values("content-encoding")).strip()
        return None if coding.lower() in ("", "identity") else coding

    def _refuse_encoded(self) -> None:
        coding = self.content_coding()
        if coding is not None:
            raise Error(
                f"the body is encoded (content-encoding: {coding}): call request.accept_identity() in forward_request"
            )


def _name(name: str) -> str:
    return to_text(name, "a field's name")
