#!/bin/sh
# Two checks of every Cargo.toml, both quick and without a build:
#
#   - each lock file fits its manifest, also those of crates outside the workspace, which no other check looks at
#   - no member of the workspace asks for a feature of a dependency that the host doesn't have: cargo would compile that
#     dependency, and with it wasmtime, once for the host and once more for tests and benches
#
#   tests/manifests.sh [CARGO]
set -eu

cd "$(dirname -- "$0")/.."
cargo=${1:-cargo}
failed=

for lock in $(git ls-files '*Cargo.lock'); do
	manifest=$(dirname -- "$lock")/Cargo.toml
	# shellcheck disable=SC2086 # $cargo may be a program with its environment
	if ! why=$($cargo update --workspace --locked --quiet --manifest-path "$manifest" 2>&1); then
		failed=1
		printf '%s is older than %s; run\n  cargo update --workspace --manifest-path %s\n%s\n' \
			"$lock" "$manifest" "$manifest" "$why" >&2
	fi
done

# Each dependency with its features, as the host's build and as the whole workspace's has them.
features() {
	# shellcheck disable=SC2086 # as above
	$cargo tree --locked --edges normal,build --prefix none --format '{p} [{f}]' "$@" | sed 's/ (\*)$//' | sort -u
}
ours=$(mktemp)
all=$(mktemp)
trap 'rm -f "$ours" "$all"' EXIT
features -p tollgate >"$ours"
features --workspace >"$all"
# A dependency that the host has, with other features.
differing=$(comm -13 "$ours" "$all" | while read -r name version features; do
	if grep -q "^$name $version \[" "$ours"; then echo "  $name $version $features"; fi
done)
if [ -n "$differing" ]; then
	failed=1
	printf 'the workspace wants features that the host does not have; add them to [workspace.dependencies] in Cargo.toml:\n%s\n' \
		"$differing" >&2
fi

[ -z "$failed" ]
