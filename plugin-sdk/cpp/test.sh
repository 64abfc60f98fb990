#!/bin/sh
# Tests of the helper library: JSON, URLs and UTF-8 natively; with the program in $TOLLGATE (an absolute path) also every
# function of the contract.
# Zig is taken from PATH or from tollgate's tools; without it the native tests take c++.
set -eu
cd "$(dirname "$0")"
tools=${TOLLGATE_TOOLS:-${XDG_CACHE_HOME:-$HOME/.cache}/tollgate/tools}
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT

if zig version >/dev/null 2>&1; then
    set -- zig c++
elif [ -x "$tools/python/bin/python" ] && "$tools/python/bin/python" -m ziglang version >/dev/null 2>&1; then
    set -- "$tools/python/bin/python" -m ziglang c++
else
    set -- c++
fi
"$@" -std=c++23 -Wall -Wextra -Werror -g -fsanitize=undefined -fno-sanitize-recover=undefined \
    -o "$out/test" tests/test.cpp events.cpp json.cpp url.cpp utf8.cpp
"$out/test"

if [ -n "${TOLLGATE:-}" ]; then
    cp -r tests/contract "$out/contract"
    cp -r ../c/tests/cases "$out/contract/tests"
    cp ../c/tests/helpers/* ../c/tests/prints/* ../c/tests/services/* "$out/contract/tests"
    mkdir "$out/contract/tollgate"
    cp *.cpp *.hpp "$out/contract/tollgate"
    "$TOLLGATE" build "$out/contract"
    "$TOLLGATE" test "$out/contract"
    ../refused.sh "$out/contract" tests/refused/*
else
    echo "plugin-sdk/cpp/test.sh: no TOLLGATE, the contract's functions not tested"
fi
