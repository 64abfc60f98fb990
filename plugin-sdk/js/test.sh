#!/bin/sh
# Tests the helper: its units in Node.js, and its types, strictly, where a TypeScript compiler is (in $TSC or in PATH).
set -eu
cd "$(dirname -- "$0")"

node --test test/*.test.js
if tsc=$(command -v "${TSC:-tsc}"); then
	"$tsc" --project test/tsconfig.json
else
	echo "plugin-sdk/js/test.sh: no tsc, types not checked (npm install typescript@7.0.2; TSC=node_modules/.bin/tsc)"
fi
