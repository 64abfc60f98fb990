#!/bin/sh
# Gets gRPC's own Python interop client and service from the source package of the system's Debian or Ubuntu, and makes
# the protobuf modules they import: target/grpc-interop/{src,tests}. Does nothing when they are there. Needs apt-get, not root:
# lists and downloads are kept under target/, and the system's own settings stay as they are.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
target=$(cd "$here/../.." && pwd)/target
made=$target/grpc-interop
work=$target/grpc-interop.tmp
python=$target/venv/bin/python

fail() {
    printf 'tests/e2e/interop.sh: %s\n' "$1" >&2
    exit 1
}

[ -e "$made/complete" ] && exit 0
command -v apt-get >/dev/null || fail 'the interop cases come from the Debian source package grpc, and there is no apt-get'
[ -x "$python" ] || fail "$python is missing; run tests/e2e/setup.sh"

rm -rf "$work" "$made"
mkdir -p "$work/sources.d" "$work/lists/partial" "$work/cache/archives/partial"
cd "$work"

# The machine's own sources, asked for source packages instead of binary ones: in both of apt's formats.
for file in /etc/apt/sources.list /etc/apt/sources.list.d/*.list; do
    [ ! -f "$file" ] || sed -n 's/^deb\(-src\)\{0,1\}[[:space:]]/deb-src /p' "$file"
done | sort -u >sources.d/own.list
for file in /etc/apt/sources.list.d/*.sources; do
    [ ! -f "$file" ] || sed 's/^Types:.*/Types: deb-src/' "$file" >"sources.d/$(basename "$file")"
done

apt() {
    apt-get -qq -o Dir::Etc::sourcelist=/dev/null -o Dir::Etc::sourceparts="$work/sources.d" \
        -o Dir::State::lists="$work/lists" -o Dir::Cache="$work/cache" -o APT::Sandbox::User= \
        -o Acquire::Languages=none "$@"
}

# One source of many that can't be had must not matter, so only the second command decides.
apt update >update.log 2>&1 || true
apt source --download-only grpc >source.log 2>&1 ||
    fail "apt has no source package grpc: $(tail -n 1 source.log) $(tail -n 1 update.log)"

mkdir tree
tar -xf grpc_*.orig.tar.* -C tree --strip-components=1 --wildcards \
    '*/src/python/grpcio_tests/tests/interop' '*/src/proto/grpc/testing/*.proto'
cd tree
"$python" -m grpc_tools.protoc -I . --python_out=. --grpc_python_out=. \
    src/proto/grpc/testing/empty.proto src/proto/grpc/testing/messages.proto src/proto/grpc/testing/test.proto
mv src/python/grpcio_tests/tests .
touch src/proto/grpc/testing/__init__.py src/proto/grpc/__init__.py src/proto/__init__.py src/__init__.py tests/__init__.py
mkdir "$work/made"
mv src tests "$work/made/"
touch "$work/made/complete"
mv "$work/made" "$made"
cd "$target"
rm -rf "$work"
