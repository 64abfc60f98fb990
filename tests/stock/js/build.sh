#!/bin/sh
# Builds standard components from plain JavaScript, and a plugin that uses fetch, for StarlingMonkey, to
# target/stock/<name>.wasm: all of them, or those named.
#
#   tests/stock/js/build.sh [NAME…]
#
#   stock-js-answer    answer.js: answers by itself, with a body that streams
#   stock-js-forward   forward.js: sends on to backend.internal and adds a field
#   stock-js-fetch     fetch.js: a plugin of tollgate's that sends requests by fetch
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

all='stock-js-answer stock-js-forward stock-js-fetch'
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
# The contract, beside what fetch is made of. Its own clocks and randomness are of 0.2.0, which are the same here.
contract=$build/wit/deps/tollgate
mkdir -p "$contract"
cp "$here"/../../../wit/v0.1/*.wit "$contract/"
for package in wasi-config wasi-logging; do
	cp -r "$here/../../../wit/v0.1/deps/$package" "$build/wit/deps/"
done
sed -i.bak "s/\(wasi:[a-z]*\/[a-z-]*\)@0\.2\.0;/\1@$version;/" "$contract/world.wit"
rm "$contract"/*.bak
cat >"$build/wit/world.wit" <<-END
	package local:stock;

	world stock {
	  include wasi:http/proxy@$version;
	}

	world fetch {
	  import wasi:http/types@$version;
	  import wasi:http/outgoing-handler@$version;
	  import tollgate:proxy/request@0.1.0;
	  import tollgate:proxy/response@0.1.0;
	  export tollgate:proxy/interceptor@0.1.0;
	}
END

for name in "$@"; do
	world=stock
	[ "$name" != stock-js-fetch ] || world=fetch
	"$build/node_modules/.bin/componentize-js" "$here/${name#stock-js-}.js" --wit "$build/wit" --world-name $world \
		--out "$build/$name.wasm" >&2
	mv "$build/$name.wasm" "$out/$name.wasm"
	echo "$out/$name.wasm $(wc -c <"$out/$name.wasm") bytes"
done
