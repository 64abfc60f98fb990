#!/bin/sh
# Tests the helper: its units in Node.js; its types, strictly, where a TypeScript compiler is (in $TSC or in PATH); and with the
# program in $TOLLGATE (an absolute path) a plugin in the real engine, and what ends a build.
set -eu
cd "$(dirname -- "$0")"

node --test test/*.test.js
if tsc=$(command -v "${TSC:-tsc}"); then
	"$tsc" --project test/tsconfig.json
else
	echo "plugin-sdk/js/test.sh: no tsc, types not checked (npm install typescript@7.0.2; TSC=node_modules/.bin/tsc)"
fi
if [ -z "${TOLLGATE:-}" ]; then
	echo "plugin-sdk/js/test.sh: no TOLLGATE, the engine not tested"
	exit 0
fi

out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
cp -r test/engine "$out/engine"
cp -r ../../wit/v0.1 "$out/engine/wit"
mkdir "$out/engine/tollgate"
cp ./*.js ./*.mjs ./*.d.ts package.json "$out/engine/tollgate"
"$TOLLGATE" build "$out/engine"
"$TOLLGATE" test "$out/engine"

# A plugin that the host would call in vain is not built, and it is said why.
refused() {
	printf "import { plugin, settings } from './tollgate/index.js';\n%s\n" "$1" >"$out/engine/plugin.js"
	if "$TOLLGATE" build "$out/engine" >"$out/told" 2>&1; then
		echo "plugin-sdk/js/test.sh: this was built: $1"
		exit 1
	fi
	if ! grep -qF "$2" "$out/told"; then
		cat "$out/told"
		echo "plugin-sdk/js/test.sh: expected: $2"
		exit 1
	fi
}
refused 'export default plugin({ forwardRequest() {} });' \
	'the plugin exports no interceptor: write `export const interceptor = plugin({ … })` in place of `export default`'
refused 'export const interceptor = plugin({ forwardRequests() {} });' \
	'plugin: forwardRequests is unknown: did you mean forwardRequest?'
refused 'import { rewriter } from "./tollgate/index.js"; export const interceptor = plugin({ returnResponse() {} }); rewriter(() => null);' \
	'a rewriter(…) is not exported: write `export const responseBody = rewriter(…)`, or requestBody'
refused 'export const interceptor = plugin({});' 'plugin(…) has neither forwardRequest nor returnResponse'
refused "const token = settings.get('token'); export const interceptor = plugin({ forwardRequest() { return token; } });" \
	"settings can't be used at the top level of a module, which runs at build time (plugin.js:2): move this into"
