#!/bin/sh
# Builds the plugins to target/plugins/<name>.wasm: all of them, or those named.
#
#   plugins/build.sh [NAME…]
#
# The result is a core module for wasm32-unknown-unknown that carries its contract; the host makes a component of it
# when it loads it. A file is replaced in one step and only when its bytes differ, so a running host reloads what changed
# and nothing else.
#
# The toolchain is the active one if it has the target wasm32-unknown-unknown, or rustup may install it
# (RUSTUP_AUTO_INSTALL is not 0); else Debian's rustc-web, cargo-web, rust-web-src and lld-22, which are installed where
# apt-get may.
set -eu

die() {
	echo "plugins/build.sh: $*" >&2
	exit 1
}

root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
wasm=wasm32-unknown-unknown
target=${CARGO_TARGET_DIR:-$root/target}
case $target in /*) ;; *) target=$PWD/$target ;; esac
out=$target/plugins

# What an outer cargo or rustup says of its own build is not meant for this one.
unset CARGO RUSTC RUSTDOC RUSTFLAGS CARGO_ENCODED_RUSTFLAGS RUSTC_WRAPPER RUSTC_WORKSPACE_WRAPPER \
	CARGO_BUILD_TARGET CARGO_BUILD_RUSTC CARGO_BUILD_RUSTFLAGS CARGO_BUILD_RUSTC_WRAPPER \
	CARGO_MAKEFLAGS MAKEFLAGS RUST_RECURSION_COUNT

# Toolchains, best first. Each either sets `cargo` and `flags`, or fails.

active_has() {
	libdir=$(rustc --print target-libdir --target "$wasm" 2>/dev/null) && [ -d "$libdir" ]
}

rustup_adds() {
	command -v rustup >/dev/null 2>&1 && [ "${RUSTUP_AUTO_INSTALL:-1}" != 0 ] && rustup target add "$wasm" >&2
}

# Debian compiles the standard library for the target from its source, which only a bootstrapping rustc may.
debian_packages='rustc-web cargo-web rust-web-src lld-22'
debian_has() {
	for package in $debian_packages; do
		dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q ' installed$' || return 1
	done
}

debian_adds() {
	command -v apt-get >/dev/null 2>&1 || return 1
	if [ "$(id -u)" != 0 ]; then
		die "no toolchain for $wasm; run
  rustup target add $wasm
or
  sudo apt-get install --no-install-recommends $debian_packages"
	fi
	apt-get update >&2
	# shellcheck disable=SC2086 # a list of words
	DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends $debian_packages >&2
}

cargo=cargo
flags=
if active_has || rustup_adds; then
	:
elif debian_has || debian_adds; then
	unset RUSTUP_TOOLCHAIN LD_LIBRARY_PATH
	cargo=/usr/bin/cargo
	flags="-Zbuild-std=std,panic_abort -Zbuild-std-features="
	export RUSTC=/usr/bin/rustc RUSTC_BOOTSTRAP=1 CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER=wasm-ld-22
else
	die "no toolchain for $wasm; install rustup and run: rustup target add $wasm"
fi

# Which plugins.

names=$*
if [ -z "$names" ]; then
	for manifest in "$root"/plugins/*/Cargo.toml; do
		names="$names $(basename -- "$(dirname -- "$manifest")")"
	done
fi
for name in $names; do
	[ -f "$root/plugins/$name/Cargo.toml" ] ||
		die "no plugin named $name; there are: $(cd "$root/plugins" && echo */Cargo.toml | sed 's,/Cargo.toml,,g')"
done

# Apart from the workspace's own builds, as another compiler may be at work here; and one by one, or cargo would give each
# plugin the features that the others want of the SDK.

cd "$root"
mkdir -p "$out"
for name in $names; do
	# shellcheck disable=SC2086 # a list of words
	"$cargo" build $flags --profile plugin --target "$wasm" --target-dir "$target/plugins-build" -p "$name"
	built=$target/plugins-build/$wasm/plugin/$(echo "$name" | tr - _).wasm
	if ! cmp -s "$built" "$out/$name.wasm"; then
		cp "$built" "$out/.$name.wasm.$$"
		mv "$out/.$name.wasm.$$" "$out/$name.wasm"
	fi
	echo "$out/$name.wasm $(wc -c <"$out/$name.wasm") bytes"
done
