#!/bin/sh
# Runs each target of the Makefile that no test runs, with as little work as it can have: what is seldom used breaks unseen.
# A target that is neither run here nor named as tested elsewhere is an error.
set -eu

cd "$(dirname -- "$0")/.."
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# Run by `make test` and `.ci/run` themselves.
elsewhere='build plugins plugins-python plugins-all test test-build test-rust test-components test-languages e2e-tools test-e2e test-ui test-moto-some
test-targets lint stock'

seen=$elsewhere

# A target with further arguments of make.
try() {
	seen="$seen $1"
	echo "-- make $*"
	if ! make --no-print-directory "$@" >"$scratch/output" 2>&1; then
		cat "$scratch/output"
		echo "tests/targets.sh: make $* failed" >&2
		exit 1
	fi
	tail -n 3 "$scratch/output"
}

# The proxy runs until it has answered through a plugin.
try_run() {
	seen="$seen run"
	echo '-- make run'
	make --no-print-directory run ARGS="--listen 127.0.0.1:0 --backend echo://127.0.0.1:0" >"$scratch/run" 2>&1 &
	make=$!
	url=
	tries=0
	while [ -z "$url" ]; do
		tries=$((tries + 1))
		if [ $tries -gt 600 ] || ! kill -0 $make 2>/dev/null; then
			cat "$scratch/run"
			echo 'tests/targets.sh: make run did not become ready' >&2
			exit 1
		fi
		sleep 0.2
		url=$(sed -n 's|.*tollgate is ready: \(http://[^ ]*\) .*|\1|p' "$scratch/run")
	done
	if ! curl -fsi "$url/hello" | grep -i '^x-tollgate: '; then
		echo 'tests/targets.sh: the answer of make run did not come through its plugins' >&2
		status=1
	fi
	# What a terminal does on Ctrl-C reaches the proxy and the watcher alike.
	for child in $(pgrep -P $make) $make; do pkill -INT -P "$child" 2>/dev/null || true; done
	wait $make || true
	[ -z "${status:-}" ]
}

try help
try fmt
try install PREFIX="$scratch/installed"
"$scratch/installed/bin/tollgate" --version
try_run
try new-all ARGS="--from minimal wat"
try test-moto ARGS=apigatewaymanagementapi
try demo-apigateway
# What it starts is tested by tests/e2e/test_localstack.py, on other ports.
try localstack ARGS=--help
try bench-guests
try bench-envoy
try bench-reload ARGS="--reloads 2"
try soak ARGS="--reloads 20"
try bench ARGS="--only requests --rounds 1 --seconds 0.2 --bodies 1KiB"
try bench-call
# The tour was built by the tests.
try bench-languages -o plugins-all ARGS="--quick rust wat"
try clean -n

missing=
for target in $(make help | cut -d' ' -f1); do
	case " $(echo $seen) " in *" $target "*) ;; *) missing="$missing $target" ;; esac
done
[ -z "$missing" ] || { echo "tests/targets.sh: not run by any test:$missing" >&2; exit 1; }
echo 'every target of the Makefile starts'
