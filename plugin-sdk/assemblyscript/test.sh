#!/bin/sh
# Tests of the helper library. asc is taken from ASC, from tollgate's tools, or from PATH.
set -eu
cd "$(dirname "$0")"
tools=${TOLLGATE_TOOLS:-${XDG_CACHE_HOME:-$HOME/.cache}/tollgate/tools}
asc=${ASC:-$tools/assemblyscript/node_modules/.bin/asc}
if ! [ -x "$asc" ]; then
    asc=asc
fi
trap 'rm -rf tests/build' EXIT
"$asc" tests/values.ts --bindings raw --optimize --outFile tests/build/values.wasm
"$asc" tests/plugin.ts --use abort=abort/abort --optimize --outFile tests/build/plugin.wasm
node --test tests/run.mjs
