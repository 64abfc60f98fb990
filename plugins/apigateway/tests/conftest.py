"""The plugin's parts in plain CPython: the contract's bindings are those of the helper library's own tests, the packages those that were built in.

    target/venv/bin/pytest plugins/apigateway/tests

Needs vendor/, which plugins/build-python.sh fills.
"""

import sys
from pathlib import Path

import pytest

# Compiled files in plugin-sdk would make cargo build the proxy again, which contains what is there.
sys.dont_write_bytecode = True

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parents[2]
sys.path[:0] = [str(HERE), str(HERE.parent), str(HERE.parent / "vendor"), str(REPOSITORY / "plugin-sdk/python/tests")]

import fake_host  # noqa: E402, F401


@pytest.fixture
def world():
    from world import World

    return World()
