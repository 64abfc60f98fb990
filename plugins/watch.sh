#!/bin/sh
# Builds a plugin whenever its source is saved, until it is stopped: the running host takes the new version by itself.
#
#   plugins/watch.sh
#
# A look every half second, so that it needs nothing installed. A build that fails shows the compiler's words; the last
# good version goes on.
set -eu

root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
stamp=$(mktemp)
next=$(mktemp)
trap 'rm -f "$stamp" "$next"' EXIT
trap 'exit 0' INT TERM

while sleep 0.5; do
	changed=$(cd "$root/plugins" && find . -mindepth 2 \( -name '*.rs' -o -name '*.toml' -o -name '*.wit' \) -newer "$stamp" |
		cut -d/ -f2 | sort -u)
	[ -n "$changed" ] || continue
	# What is saved while a build runs is newer than this and has its turn next.
	touch "$next"
	for name in $changed; do
		# A plugin that build.sh doesn't make.
		[ "$name" = shared ] || [ -f "$root/plugins/$name/Cargo.toml" ] || continue
		# What plugins share is a part of several: all are built.
		if [ "$name" = shared ]; then set --; else set -- "$name"; fi
		"$root/plugins/build.sh" "$@" || echo "plugins/watch.sh: ${1:-each plugin} keeps its last good version" >&2
	done
	touch -r "$next" "$stamp"
done
