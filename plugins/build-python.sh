#!/bin/sh
# Builds a plugin in Python, plugins/NAME, to target/plugins-python/NAME.wasm, with its schema beside it. These plugins are not among those
# of plugins/build.sh, as they need other tools and reach further than every proxy should allow. Cargo.toml
# excludes their folders from the workspace.
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
project=$root/plugins/$name
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

# A build takes half a minute. Links are followed: the helper library and the contract are parts of it.
if [ -e "$out/$name.wasm" ] && [ -z "$(find -L "$project" "$tollgate" "$0" -newer "$out/$name.wasm" -type f \
	! -path '*/build/*' ! -path '*/cases/*' ! -path '*/tests/*' ! -path '*/__pycache__/*' ! -name '*.md' | head -n 1)" ]; then
	echo "$out/$name.wasm is up to date"
	exit 0
fi

mkdir -p "$out"
# What is saved while it is built is newer than the result.
touch "$out/.$name.begun"
"$tollgate" build --install "$project"
cp "$project/$name.schema.json" "$out/$name.schema.json"
cp "$project/build/$name.wasm" "$out/.$name.wasm.$$"
touch -r "$out/.$name.begun" "$out/.$name.wasm.$$"
mv "$out/.$name.wasm.$$" "$out/$name.wasm"
echo "$out/$name.wasm $(wc -c <"$out/$name.wasm") bytes"
