"""The plugins of README.md: each is built as its author would build it, and meets its case in `tests/readme`."""

import os
import re
import shutil
import subprocess

import pytest
from harness.servers import REPOSITORY, TOLLGATE

README = (REPOSITORY / "README.md").read_text()
CASES = REPOSITORY / "tests/readme"
MOST_LINES = 20


def plugins():
    """The source of each plugin by its name in lower case."""
    blocks = re.findall(r"^```rust\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
    return {re.search(r"export!\((\w+)", block)[1].lower(): block for block in blocks}


def run(*command):
    ran = subprocess.run([TOLLGATE, *command], capture_output=True, text=True, env={**os.environ, "CARGO_NET_OFFLINE": "true"})
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


def test_each_has_a_case_and_is_short():
    assert sorted(plugins()) == sorted(path.stem for path in CASES.glob("*.http"))
    for name, source in plugins().items():
        assert source.count("\n") <= MOST_LINES, name


# The first build compiles what the others share.
@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", sorted(plugins()))
def test_it_is_built_and_meets_its_case(name, tmp_path):
    project = tmp_path / name
    run("new", "rust", name, "--dir", tmp_path)
    (project / "src/lib.rs").write_text(plugins()[name])
    shutil.rmtree(project / "tests")
    (project / "tests").mkdir()
    shutil.copy(CASES / f"{name}.http", project / "tests")
    run("build", project)
    assert run("test", project) == f"ok       {name}\nplugin {name}: 1 case: 1 ok\n"
