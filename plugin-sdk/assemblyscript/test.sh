#!/bin/sh
# Tests of the helper library: against a host made here; with the program in $TOLLGATE (an absolute path) also as plugins. asc is taken from ASC, from tollgate's tools, or from PATH.
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

if [ -n "${TOLLGATE:-}" ]; then
    out=$(mktemp -d)
    trap 'rm -rf tests/build "$out"' EXIT
    cp -r tests/contract "$out/contract"
    mkdir "$out/contract/tollgate" "$out/contract/tests"
    cp *.ts *.mjs "$out/contract/tollgate"
    cp ../c/tests/helpers/* ../c/tests/services/* tests/cases/* "$out/contract/tests"
    "$TOLLGATE" build "$out/contract"
    "$TOLLGATE" test "$out/contract"
    ../refused.sh "$out/contract" tests/refused/*
else
    echo "plugin-sdk/assemblyscript/test.sh: no TOLLGATE, the contract's functions not tested"
fi
