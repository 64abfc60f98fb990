"""The name that was probably meant."""

from collections.abc import Iterable


def nearest(given: str, known: Iterable[str], most: int = 2) -> str | None:
    """The known name that is at most so many letters away from the one given; case and ``_`` don't count."""
    ranked = sorted((_distance(_bare(given), _bare(name)), name) for name in known)
    return ranked[0][1] if ranked and ranked[0][0] <= most else None


def _bare(name: str) -> str:
    return name.lower().replace("_", "")


def _distance(a: str, b: str) -> int:
    """How many letters must be put in, left out or changed to make one of the other."""
    row = list(range(len(b) + 1))
    for at, letter in enumerate(a, 1):
        before, row[0] = row[0], at
        for index, other in enumerate(b, 1):
            cost = min(row[index] + 1, row[index - 1] + 1, before + (letter != other))
            before, row[index] = row[index], cost
    return row[-1]
