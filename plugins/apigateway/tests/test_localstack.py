"""plugins/shared/localstack: links of its README, its ports, and the script that puts the plugins together."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

PLUGINS = Path(__file__).resolve().parents[2]
HERE = PLUGINS / "shared/localstack"


@pytest.mark.parametrize("file", [HERE / "README.md", PLUGINS / "chaos/README.md", PLUGINS / "apigateway/README.md"])
def test_links_lead_somewhere(file):
    links = re.findall(r"\]\(([^):#]+)(?:#[^)]*)?\)", file.read_text())
    assert [link for link in links if not (file.parent / link).exists()] == []


def test_the_admin_port_is_told_where_the_example_is():
    port = re.search(r'^admin = "127\.0\.0\.1:(\d+)"', (HERE / "tollgate.toml").read_text(), re.M)[1]
    assert port in (HERE / "README.md").read_text() and port in (PLUGINS / "chaos/README.md").read_text()


@pytest.mark.parametrize("elsewhere", [True, False])
def test_the_script_takes_what_the_builds_left(tmp_path, elsewhere):
    script = tmp_path / "plugins/shared/localstack/plugins.sh"
    script.parent.mkdir(parents=True)
    shutil.copy(HERE / "plugins.sh", script)
    target = tmp_path / ("built" if elsewhere else "target")
    names = ["plugins/aws-extras.wasm", "plugins/aws-ports.wasm", "plugins/chaos.wasm", "plugins-python/apigateway.wasm"]
    for name in names:
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        (target / name).write_text(name)
    environment = {"PATH": "/usr/bin:/bin", **({"CARGO_TARGET_DIR": str(target)} if elsewhere else {})}
    subprocess.run(["sh", str(script)], check=True, env=environment)
    # tollgate.toml names this directory.
    assert sorted(one.name for one in (tmp_path / "target/localstack").iterdir()) == sorted(Path(name).name for name in names)
