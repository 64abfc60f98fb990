#!/bin/sh
# Tests of the helper library: its logic natively; with the program in $TOLLGATE (an absolute path) also as plugins. Go is taken from GO, from PATH, or from
# tollgate's tools.
set -eu
cd "$(dirname "$0")"
tools=${TOLLGATE_TOOLS:-${XDG_CACHE_HOME:-$HOME/.cache}/tollgate/tools}
go=${GO:-$(command -v go || echo "$tools/go/bin/go")}
export GOTOOLCHAIN=local GOWORK=off GOFLAGS=
unformatted=$("$("$go" env GOROOT)/bin/gofmt" -l .)
if [ -n "$unformatted" ]; then
    echo "not formatted by gofmt: $unformatted" >&2
    exit 1
fi
"$go" vet . ./requestbody ./responsebody ./background
GOOS=wasip1 GOARCH=wasm "$go" vet . ./requestbody ./responsebody ./background
"$go" test .

if [ -n "${TOLLGATE:-}" ]; then
    out=$(mktemp -d)
    trap 'rm -rf "$out"' EXIT
    cp -r tests/contract "$out/contract"
    mkdir "$out/contract/tollgate" "$out/contract/tests"
    cp -r *.go go.mod requestbody responsebody background "$out/contract/tollgate"
    cp ../c/tests/helpers/* ../c/tests/prints/* ../c/tests/services/* tests/cases/* "$out/contract/tests"
    "$TOLLGATE" build "$out/contract"
    "$TOLLGATE" test "$out/contract"
    ../refused.sh "$out/contract" tests/refused/*
else
    echo "plugin-sdk/go/test.sh: no TOLLGATE, the contract's functions not tested"
fi
