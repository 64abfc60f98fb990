"""What it means when a test comes out differently through tollgate: pure decisions, tested in test_verdict.py."""

from enum import Enum


class Verdict(Enum):
    SAME = "same"
    # The test gives different outcomes without tollgate too: it says nothing about tollgate.
    FLAKY = "flaky"
    # Through tollgate it comes out as it never does without.
    CHANGED = "changed"
    # Through tollgate it comes out now this way, now that; without it is steady.
    UNSTEADY = "unsteady through tollgate"

    @property
    def good(self):
        return self in (Verdict.SAME, Verdict.FLAKY)


def judge(direct, through):
    """The verdict on one test; each argument is the list of its outcomes on one side, in order, re-runs included.

    None stands for a run in which the test was missing.
    """
    if set(direct) == set(through) and len(set(direct)) == 1:
        return Verdict.SAME
    if len(set(direct)) > 1:
        return Verdict.FLAKY
    return Verdict.UNSTEADY if set(direct) & set(through) else Verdict.CHANGED


def differing(direct, through):
    """The ids whose outcomes differ between two runs ({id: outcome}), sorted; one that only one run has differs too."""
    return sorted(test for test in {**direct, **through} if direct.get(test) != through.get(test))
