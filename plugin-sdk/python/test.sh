#!/bin/sh
# Tests the helper with Python's own unittest, against a host of the tests' own.
set -eu
cd "$(dirname -- "$0")"

exec "${PYTHON:-python3}" -m unittest discover --start-directory tests
