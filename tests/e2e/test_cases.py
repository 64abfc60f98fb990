"""The cases of this repository's plugins (`plugins/NAME/tests`, those in Python `plugins/shared/NAME/cases`), which `tollgate test` runs on their builds."""

import subprocess

import pytest
from harness.servers import REPOSITORY, TOLLGATE, built

# The tour has builds in ten languages, which tests/languages.sh runs on its cases.
WITH_CASES = sorted(path.parent.name for path in REPOSITORY.glob("plugins/*/tests") if path.parent.name != "tour")
WITH_CASES += sorted(path.parent.name for path in REPOSITORY.glob("plugins/shared/*/cases"))


@pytest.mark.parametrize("name", WITH_CASES)
def test_its_cases_are_met(name):
    cases = REPOSITORY / "plugins" / name / "tests"
    if not cases.exists():
        cases = REPOSITORY / "plugins/shared" / name / "cases"
    run = subprocess.run([TOLLGATE, "test", built(name), "--cases", cases], capture_output=True, text=True)
    expected = len(list(cases.glob("*.http")))
    assert run.returncode == 0 and f": {expected} ok\n" in run.stdout, run.stdout + run.stderr


def test_there_are_some():
    assert {"apigateway", "llm-guard", "rate-limit", "redact", "ws-log"} <= set(WITH_CASES)
