#!/bin/sh
# Tests of the helper library: JSON, URLs and text natively; with the program in $TOLLGATE (an absolute path) also every
# function of the contract.
# Zig is taken from PATH or from tollgate's tools.
set -eu
cd "$(dirname "$0")"
tools=${TOLLGATE_TOOLS:-${XDG_CACHE_HOME:-$HOME/.cache}/tollgate/tools}
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
export ZIG_LOCAL_CACHE_DIR="$out/zig-cache"

if [ -x "$tools/python/bin/python" ] && "$tools/python/bin/python" -m ziglang version >/dev/null 2>&1; then
    set -- "$tools/python/bin/python" -m ziglang
else
    set -- zig
fi
"$@" fmt --check *.zig tests/contract/plugin.zig tests/refused/*.zig
"$@" test events.zig
"$@" test json.zig
"$@" test text.zig
"$@" test url.zig

if [ -n "${TOLLGATE:-}" ]; then
    cp -r tests/contract "$out/contract"
    cp -r ../c/tests/cases "$out/contract/tests"
    cp ../c/tests/helpers/* ../c/tests/services/* "$out/contract/tests"
    mkdir "$out/contract/tollgate"
    cp *.zig "$out/contract/tollgate"
    "$TOLLGATE" build "$out/contract"
    "$TOLLGATE" test "$out/contract"
    ../refused.sh "$out/contract" tests/refused/*
else
    echo "plugin-sdk/zig/test.sh: no TOLLGATE, the contract's functions not tested"
fi
