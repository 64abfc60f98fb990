#!/bin/sh
# Tests the helper with Python's own unittest, against a host of the tests' own; with the program in $TOLLGATE (an absolute
# path) also a plugin in the real interpreter, and what ends a build.
set -eu
cd "$(dirname -- "$0")"

"${PYTHON:-python3}" -m unittest discover --start-directory tests
if [ -z "${TOLLGATE:-}" ]; then
	echo "plugin-sdk/python/test.sh: no TOLLGATE, the interpreter not tested"
	exit 0
fi

out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
cp -r tests/engine "$out/engine"
cp -r ../../wit/v0.1 "$out/engine/wit"
mkdir "$out/engine/tollgate"
cp -r tollgate tollgate_main.py world.py "$out/engine/tollgate"
"$TOLLGATE" build "$out/engine"
"$TOLLGATE" test "$out/engine"

# A plugin that the host would call in vain is not built, and it is said why. (The other slips are told in the same way, and
# are among the units: a build takes ten seconds.)
printf 'from tollgate import Plugin\nclass Interceptor(Plugin):\n    def forward_requests(self): pass\n' >"$out/engine/plugin.py"
if "$TOLLGATE" build "$out/engine" >"$out/told" 2>&1; then
	echo "plugin-sdk/python/test.sh: a plugin without hooks was built"
	exit 1
fi
if ! grep -qF 'Interceptor.forward_requests is no hook: did you mean forward_request?' "$out/told"; then
	cat "$out/told"
	exit 1
fi
