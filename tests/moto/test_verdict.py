"""The decisions of the comparison, without servers."""

import pytest
from verdict import Verdict, differing, judge


@pytest.mark.parametrize(
    ("direct", "through", "expected"),
    [
        (["passed"], ["passed"], Verdict.SAME),
        (["failed"], ["failed"], Verdict.SAME),
        (["passed"] * 4, ["failed"] * 4, Verdict.CHANGED),
        (["failed"] * 4, ["passed"] * 4, Verdict.CHANGED),
        (["passed"] * 4, ["skipped"] * 4, Verdict.CHANGED),
        (["passed"] * 4, [None] * 4, Verdict.CHANGED),
        (["passed"] * 4, ["failed", "passed", "passed", "passed"], Verdict.UNSTEADY),
        (["passed", "passed", "failed", "passed"], ["failed"] * 4, Verdict.FLAKY),
        (["failed", "passed", "passed", "passed"], ["passed"] * 4, Verdict.FLAKY),
    ],
)
def test_judge(direct, through, expected):
    assert judge(direct, through) is expected


def test_only_same_and_flaky_are_good():
    assert [verdict for verdict in Verdict if verdict.good] == [Verdict.SAME, Verdict.FLAKY]


def test_a_test_that_one_side_lacks_differs():
    direct = {"same": "passed", "other": "passed", "only direct": "passed"}
    through = {"same": "passed", "other": "failed", "only through": "skipped"}
    assert differing(direct, through) == ["only direct", "only through", "other"]
