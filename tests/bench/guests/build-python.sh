#!/bin/sh
# Builds the Python guest of the benches: componentize-py puts CPython and app.py into one component of about 18 MB.
#
#   tests/bench/guests/build-python.sh OUT
#
# componentize-py comes from PyPI into a virtual environment under target/bench/venv.
set -eu

[ $# = 1 ] || { echo "usage: build-python.sh OUT" >&2; exit 2; }
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
root=$(CDPATH='' cd -- "$here/../../.." && pwd)
case $1 in /*) out=$1 ;; *) out=$PWD/$1 ;; esac
target=${CARGO_TARGET_DIR:-$root/target}
case $target in /*) ;; *) target=$PWD/$target ;; esac
venv=$target/bench/venv

[ -x "$venv/bin/python" ] || python3 -m venv "$venv"
[ -x "$venv/bin/componentize-py" ] || "$venv/bin/pip" install --quiet componentize-py==0.25.1
mkdir -p "$(dirname -- "$out")"
"$venv/bin/componentize-py" --wit-path "$root/wit/v0.1" --world plugin componentize --python-path "$here/python" --output "$out.new" app
mv "$out.new" "$out"
echo "$out $(wc -c <"$out") bytes"
