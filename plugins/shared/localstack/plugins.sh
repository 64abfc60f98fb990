#!/bin/sh
# Puts the plugins that tollgate.toml names into target/localstack, from where `make plugins` and `make plugins-python` leave them. A file that
# is there already and the same is left alone; others are replaced in one step.
set -eu

root=$(CDPATH='' cd -- "$(dirname -- "$0")/../../.." && pwd)
# Where plugins/build.sh and plugins/build-python.sh leave them.
target=${CARGO_TARGET_DIR:-$root/target}
# Where tollgate.toml looks for them.
out=$root/target/localstack
mkdir -p "$out"
for file in "$target"/plugins/aws-extras.* "$target"/plugins/aws-ports.* "$target"/plugins/chaos.* \
	"$target"/plugins-python/apigateway.*; do
	name=$(basename "$file")
	[ -f "$file" ] || {
		echo "plugins/shared/localstack/plugins.sh: $file is missing; run: make plugins plugins-python" >&2
		exit 1
	}
	cmp -s "$file" "$out/$name" && continue
	cp "$file" "$out/.$name.new"
	mv "$out/.$name.new" "$out/$name"
done
