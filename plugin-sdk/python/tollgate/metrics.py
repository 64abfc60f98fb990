"""What a plugin counts and measures. The host puts ``tollgate_plugin_`` before each name and adds the label ``plugin``.

    from tollgate import metrics

    metrics.add("denied_total", reason="quota")

Nothing here fails: what the host can't record is a warning in its log. In the trial of a version nothing is recorded. Labels are
named arguments; don't use a path, an address or an id as a label's value.
"""

from collections.abc import Sequence

from ._host import optional
from ._text import to_text

__all__ = ["add", "describe", "observe", "set"]

_host = optional("metrics")


def describe(name: str, help: str, buckets: Sequence[float] = ()) -> None:
    """Describes a metric in the output; for ``start``. ``buckets`` are upper bounds of a histogram's buckets, in ascending order."""
    _host.describe(_name(name), to_text(help, "help"), [float(bound) for bound in buckets])


def add(name: str, by: float = 1, /, **labels: object) -> None:
    """Adds to a counter."""
    _host.add(_name(name), float(by), _labels(labels))


def set(name: str, value: float, /, **labels: object) -> None:
    """Sets a gauge."""
    _host.set(_name(name), float(value), _labels(labels))


def observe(name: str, value: float, /, **labels: object) -> None:
    """Records an observation in a histogram."""
    _host.observe(_name(name), float(value), _labels(labels))


def _name(name: str) -> str:
    return to_text(name, "a metric's name")


def _labels(labels: dict[str, object]) -> list[tuple[str, str]]:
    return [(to_text(name, "a label"), to_text(str(value), "a label's value")) for name, value in labels.items()]
