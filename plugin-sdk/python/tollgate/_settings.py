"""The plugin's settings.

The host gives a string as it is and anything else as JSON text. They don't change while an instance lives, but can't be
read before the first hook runs: not at the top level of a module.
"""

import dataclasses
import json
import types
import typing
from collections.abc import Iterator, Mapping
from typing import Any, TypeVar

from ._errors import SettingError
from ._host import store as _host
from ._text import to_text

T = TypeVar("T")


class Settings(Mapping[str, str]):
    """Every setting as text: ``settings["token"]``, ``settings.get("mark", "none")``.

    Raises SettingError for one that is missing.
    """

    def __getitem__(self, key: str) -> str:
        value = _host.get(to_text(key, "a setting's key"))
        if value is None:
            raise SettingError(f"setting {key} is missing")
        return value

    def __iter__(self) -> Iterator[str]:
        return iter([key for key, _ in _host.get_all()])

    def __len__(self) -> int:
        return len(_host.get_all())

    def json(self, key: str, default: Any = None) -> Any:
        """A number, boolean, list or table; ``default`` if it is not set."""
        text = self.get(key)
        return default if text is None else _parse(key, text, "a number, true, false, a list or a table")

    def into(self, kind: type[T]) -> T:
        """A dataclass whose fields are settings of the same name; a field without a default must be set.

        str, bool, int, float, list, dict and each of them ``| None`` are checked; what is inside a list or dict is not.
        """
        hints = typing.get_type_hints(kind)
        values = {}
        for field in dataclasses.fields(typing.cast(Any, kind)):
            text = self.get(field.name)
            if text is not None:
                values[field.name] = _convert(field.name, text, hints[field.name])
            elif field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
                raise SettingError(f"setting {field.name} is missing")
        return kind(**values)


_NAMES: dict[Any, str] = {
    bool: "a boolean",
    int: "a whole number",
    float: "a number",
    list: "a list",
    dict: "a table",
}


def _convert(key: str, text: str, hint: Any) -> Any:
    """The setting as what the annotation asks for."""
    if isinstance(hint, types.UnionType):
        hint = next(one for one in typing.get_args(hint) if one is not types.NoneType)
    kind = typing.get_origin(hint) or hint
    if kind is str:
        return text
    expected = _NAMES.get(kind, "JSON")
    value = _parse(key, text, expected)
    if kind is float and type(value) is int:
        return float(value)
    if kind in _NAMES and type(value) is not kind:
        raise _wrong(key, text, expected)
    return value


def _parse(key: str, text: str, expected: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        raise _wrong(key, text, expected) from None


def _wrong(key: str, text: str, expected: str) -> SettingError:
    return SettingError(f"setting {key} is {json.dumps(text, ensure_ascii=False)}: expected {expected}")


settings = Settings()
