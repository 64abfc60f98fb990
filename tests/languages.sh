#!/bin/sh
# Every language that `tollgate new` knows, from source: the tour (plugins/tour) is built and run by its one table of cases,
# and the tests of the helper library are run; or, with --new, a new project of each kind of template is made and tried.
#
#   tests/languages.sh [--new [--from KIND]] [LANG…]
#
# A language whose tools can't be had here is skipped, and the last lines say which and why. SKIP_ERROR=1 makes that a
# failure. Tools go to target/tools; TOLLGATE_TOOLS says otherwise.
set -eu

root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
target=${CARGO_TARGET_DIR:-$root/target}
case $target in /*) ;; *) target=$PWD/$target ;; esac
tollgate=${TOLLGATE:-$target/release/tollgate}
export TOLLGATE_TOOLS="${TOLLGATE_TOOLS:-$target/tools}"
export TOLLGATE=$tollgate
# Folders of compiled files in plugin-sdk would make cargo build the proxy again, which contains what is there.
export PYTHONDONTWRITEBYTECODE=1
export TSC=$TOLLGATE_TOOLS/node/node_modules/.bin/tsc
export TOLLGATE_CACHE_DIR="${TOLLGATE_CACHE_DIR:-$target/tour-cache}"

new=
kinds='minimal auth rewrite-body mock-endpoint'
if [ "${1:-}" = --new ]; then
	new=$target/new
	shift
	if [ "${1:-}" = --from ]; then
		kinds=$2
		shift 2
	fi
fi
languages=$*
if [ -z "$languages" ]; then
	for recipe in "$root"/host/templates/*/recipe.toml; do
		languages="$languages $(basename -- "$(dirname -- "$recipe")")"
	done
fi

skipped=
failed=

# Builds and tests a project, after its tools were installed where they were missing.
try() {
	what=$1 directory=$2
	if "$tollgate" build --install "$directory"; then
		"$tollgate" test "$directory" || failed="$failed $what"
		# What can be linked directly is linked as a component once, too. Both must pass the same cases.
		TOLLGATE_LINKING=component "$tollgate" test "$directory" || failed="$failed $what as a component"
		if [ -z "$new" ] && [ -x "$root/plugin-sdk/$what/test.sh" ]; then
			"$root/plugin-sdk/$what/test.sh" || failed="$failed plugin-sdk/$what"
		fi
	elif reason=$("$tollgate" build --tools "$directory" 2>&1 >/dev/null); then
		failed="$failed $what"
	else
		skipped="$skipped
$what: $reason"
	fi
}

for language in $languages; do
	if [ -z "$new" ]; then
		echo "== $language"
		try "$language" "$root/plugins/tour/$language"
		# The SDK for Rust without std, which has to be linked to be sure.
		[ "$language" != rust ] || try "$language without std" "$root/tests/no-std"
		continue
	fi
	for kind in $kinds; do
		echo "== $language, $kind"
		rm -rf "${new:?}/$kind-$language"
		mkdir -p "$new"
		"$tollgate" new "$language" "$kind-$language" --from "$kind" --dir "$new" >/dev/null
		try "$language, $kind" "$new/$kind-$language"
	done
done

[ -z "$skipped" ] || printf 'skipped, for want of tools:%s\n' "$skipped"
[ -z "$failed" ] || printf 'failed:%s\n' "$failed"
[ -z "$failed" ] && { [ -z "$skipped" ] || [ -z "${SKIP_ERROR:-}" ]; }
