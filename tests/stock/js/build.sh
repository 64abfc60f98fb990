#!/bin/sh
# Builds standard components from plain JavaScript, for StarlingMonkey, to target/stock/<name>.wasm: all of them, or those
# named.
#
#   tests/stock/js/build.sh [NAME…]
#
#   stock-js-answer    answer.js: answers by itself, with a body that streams
#   stock-js-forward   forward.js: sends on to backend.internal and adds a field
#
# componentize-js is installed with npm to target/stock-build/js (385 MB). One component takes half a minute.
set -eu

die() {
	echo "tests/stock/js/build.sh: $*" >&2
	exit 1
}

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
target=${CARGO_TARGET_DIR:-$here/../../../target}
mkdir -p "$target"
target=$(CDPATH='' cd -- "$target" && pwd)
build=$target/stock-build/js
out=$target/stock
mkdir -p "$build" "$out"

all='stock-js-answer stock-js-forward'
# shellcheck disable=SC2086 # a list of words
[ $# -gt 0 ] || set -- $all
for name in "$@"; do
	case " $all " in *" $name "*) ;; *) die "no component named $name; there are: $all" ;; esac
done

command -v npm >/dev/null 2>&1 || die "npm is missing; install Node.js 20 or newer"
if ! cmp -s "$here/package.json" "$build/installed.json"; then
	cp "$here/package.json" "$build/package.json"
	npm install --prefix "$build" --no-audit --no-fund --no-package-lock --loglevel=error >&2
	cp "$here/package.json" "$build/installed.json"
fi

# The world that StarlingMonkey's fetch is made for: wasi:http/proxy of its own version, older than jco's files.
version=0.2.10
rm -rf "$build/wit"
mkdir -p "$build/wit/deps"
cp -r "$build/node_modules/@bytecodealliance/jco/lib/wit/builtin/0.2.12/." "$build/wit/deps/"
find "$build/wit/deps" -name '*.wit' -exec sed -i.bak "s/@0\.2\.12/@$version/g" {} +
find "$build/wit/deps" -name '*.bak' -exec rm {} +
printf 'package local:stock;\n\nworld stock {\n  include wasi:http/proxy@%s;\n}\n' "$version" >"$build/wit/world.wit"

for name in "$@"; do
	"$build/node_modules/.bin/componentize-js" "$here/${name#stock-js-}.js" --wit "$build/wit" --world-name stock \
		--out "$build/$name.wasm" >&2
	mv "$build/$name.wasm" "$out/$name.wasm"
	echo "$out/$name.wasm $(wc -c <"$out/$name.wasm") bytes"
done
