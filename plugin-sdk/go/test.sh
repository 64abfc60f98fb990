#!/bin/sh
# Tests of the helper library: its logic natively, and that it compiles for plugins. Go is taken from GO, from PATH, or from
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
"$go" vet ./...
GOOS=wasip1 GOARCH=wasm "$go" vet ./...
"$go" test ./...
