#!/bin/sh
# Makes target/venv, the virtual environment of tests/e2e and tests/moto. Does nothing when it is up to date.
# PYTHON=/path/to/python3 chooses the interpreter.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
venv=$(cd "$here/../.." && pwd)/target/venv
python=${PYTHON:-python3}

fail() {
    printf 'tests/e2e/setup.sh: %s\n' "$1" >&2
    exit 1
}

command -v "$python" >/dev/null ||
    fail "$python was not found; on Debian or Ubuntu: sudo apt-get install python3 python3-venv"
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 10))' ||
    fail "$("$python" --version) is too old, moto 5.2 needs Python 3.10; choose another with PYTHON=/path/to/python3"

wanted=$({ "$python" -c 'import sys; print(sys.version, sys.executable)'; cat "$here/requirements.txt" "$here/constraints.txt"; } | cksum)
stamp=$venv/.installed
if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$wanted" ] && [ -x "$venv/bin/pytest" ]; then
    exit 0
fi

"$python" -c 'import ensurepip, venv' 2>/dev/null ||
    fail "$python lacks the module venv or ensurepip; on Debian or Ubuntu: sudo apt-get install python3-venv"

printf 'making %s (a minute or so)\n' "$venv" >&2
rm -rf "$venv"
mkdir -p "$(dirname "$venv")"
"$python" -m venv "$venv"
"$venv/bin/pip" install --quiet --disable-pip-version-check \
    -r "$here/requirements.txt" -c "$here/constraints.txt"
printf '%s\n' "$wanted" >"$stamp"
