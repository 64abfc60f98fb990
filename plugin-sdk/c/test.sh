#!/bin/sh
# Tests of the helper library: JSON, text, URLs and memory natively; with the program in $TOLLGATE (an absolute path) also every
# function of the contract.
# Zig is taken from PATH or from tollgate's tools; without it the native tests take cc.
set -eu
cd "$(dirname "$0")"
tools=${TOLLGATE_TOOLS:-${XDG_CACHE_HOME:-$HOME/.cache}/tollgate/tools}
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT

if zig version >/dev/null 2>&1; then
    set -- zig cc
elif [ -x "$tools/python/bin/python" ] && "$tools/python/bin/python" -m ziglang version >/dev/null 2>&1; then
    set -- "$tools/python/bin/python" -m ziglang cc
else
    set -- cc
fi
"$@" -std=c11 -Wall -Wextra -Werror -g -fsanitize=undefined -fno-sanitize-recover=undefined \
    -o "$out/test" tests/test.c events.c json.c memory.c url.c
"$out/test"

if [ -n "${TOLLGATE:-}" ]; then
    cp -r tests/contract "$out/contract"
    cp -r tests/cases "$out/contract/tests"
    cp tests/helpers/* tests/prints/* tests/services/* "$out/contract/tests"
    mkdir "$out/contract/tollgate"
    cp *.c *.h "$out/contract/tollgate"
    "$TOLLGATE" build "$out/contract"
    "$TOLLGATE" test "$out/contract"
    ../refused.sh "$out/contract" tests/refused/*
else
    echo "plugin-sdk/c/test.sh: no TOLLGATE, the contract's functions not tested"
fi
