#!/bin/sh
# Builds a plugin in Python, plugins/shared/NAME, to target/plugins-python/NAME.wasm, with its schema beside it. These plugins are not among those
# of plugins/build.sh, as they need other tools and reach further than every proxy should allow. They stand in plugins/shared because every
# other folder of plugins/ is a member of cargo's workspace.
#
#   plugins/build-python.sh NAME
#
# The packages of requirements.txt go to vendor/ beside it, componentize-py to target/tools (TOLLGATE_TOOLS says otherwise).
set -eu

root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
target=${CARGO_TARGET_DIR:-$root/target}
case $target in /*) ;; *) target=$PWD/$target ;; esac
tollgate=${TOLLGATE:-$target/release/tollgate}
export TOLLGATE_TOOLS="${TOLLGATE_TOOLS:-$target/tools}"
# Compiled files in plugin-sdk would make cargo build the proxy again, which contains what is there.
export PYTHONDONTWRITEBYTECODE=1

name=$1
project=$root/plugins/shared/$name
out=$target/plugins-python
[ -f "$project/plugin.py" ] || {
	echo "plugins/build-python.sh: no plugin named $name in Python" >&2
	exit 1
}

# Again only if the list has changed.
wanted=$(cksum <"$project/requirements.txt")
if [ "$(cat "$project/vendor/.installed" 2>/dev/null)" != "$wanted" ]; then
	# The environment that `tollgate build --install` makes: it has pip, which the system's Python may lack or forbid.
	python=$TOLLGATE_TOOLS/python/bin/python
	[ -x "$python" ] || "${PYTHON:-python3}" -m venv "$TOLLGATE_TOOLS/python" || {
		echo "plugins/build-python.sh: Python with the module venv is needed; on Debian or Ubuntu: sudo apt-get install python3-venv" >&2
		exit 1
	}
	rm -rf "$project/vendor"
	"$python" -m pip install --quiet --disable-pip-version-check --no-compile --target "$project/vendor" -r "$project/requirements.txt"
	echo "$wanted" >"$project/vendor/.installed"
fi

"$tollgate" build --install "$project"
mkdir -p "$out"
if ! cmp -s "$project/build/$name.wasm" "$out/$name.wasm"; then
	cp "$project/build/$name.wasm" "$out/.$name.wasm.$$"
	mv "$out/.$name.wasm.$$" "$out/$name.wasm"
fi
cp "$project/$name.schema.json" "$out/$name.schema.json"
echo "$out/$name.wasm $(wc -c <"$out/$name.wasm") bytes"
