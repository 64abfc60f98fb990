"""The cases of this repository's plugins (`*.http` in `plugins/NAME/tests`, or in `plugins/NAME/cases` where tests are another language's), which `tollgate test` runs on their builds."""

import subprocess

import pytest
from harness.servers import REPOSITORY, TOLLGATE, built

# The tour has builds in ten languages, which tests/languages.sh runs on its cases.
CASES = {path.parent.parent.name: path.parent for place in ("tests", "cases") for path in REPOSITORY.glob(f"plugins/*/{place}/*.http")}
CASES.pop("tour", None)


@pytest.mark.parametrize("name", sorted(CASES))
def test_its_cases_are_met(name):
    cases = CASES[name]
    run = subprocess.run([TOLLGATE, "test", built(name), "--cases", cases], capture_output=True, text=True)
    expected = len(list(cases.glob("*.http")))
    assert run.returncode == 0 and f": {expected} ok\n" in run.stdout, run.stdout + run.stderr


def test_there_are_some():
    assert {"apigateway", "llm-guard", "rate-limit", "redact", "ws-log"} <= set(CASES)
