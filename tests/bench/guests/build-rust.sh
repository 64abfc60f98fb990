#!/bin/sh
# Builds a guest of the benches that is written in Rust.
#
#   tests/bench/guests/build-rust.sh CRATE OUT
#
# CRATE is a folder below tests/bench with a Cargo.toml of its own, OUT the file that becomes of it. The toolchain is
# chosen as in plugins/build.sh: the active one if it has the target wasm32-unknown-unknown, else Debian's rustc-web,
# cargo-web, rust-web-src and lld-22.
set -eu

[ $# = 2 ] || { echo "usage: build-rust.sh CRATE OUT" >&2; exit 2; }
bench=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
crate=$bench/$1
case $2 in /*) out=$2 ;; *) out=$PWD/$2 ;; esac
wasm=wasm32-unknown-unknown
target=${CARGO_TARGET_DIR:-$bench/../../target}
case $target in /*) ;; *) target=$PWD/$target ;; esac
build=$target/bench/guests

unset CARGO RUSTC RUSTFLAGS CARGO_ENCODED_RUSTFLAGS RUSTC_WRAPPER CARGO_BUILD_TARGET CARGO_MAKEFLAGS MAKEFLAGS
export RUSTUP_AUTO_INSTALL=0

cargo=cargo
flags=
if ! { libdir=$(rustc --print target-libdir --target $wasm 2>/dev/null) && [ -d "$libdir" ]; }; then
	if [ ! -x /usr/bin/cargo ] || [ ! -d /usr/lib/rustlib/src ] || ! command -v wasm-ld-22 >/dev/null 2>&1; then
		echo "build-rust.sh: no toolchain for $wasm; run: rustup target add $wasm" >&2
		exit 1
	fi
	unset RUSTUP_TOOLCHAIN LD_LIBRARY_PATH
	cargo=/usr/bin/cargo
	flags='-Zbuild-std=std,panic_abort -Zbuild-std-features='
	export RUSTC=/usr/bin/rustc RUSTC_BOOTSTRAP=1 CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER=wasm-ld-22
fi

cd "$crate"
# shellcheck disable=SC2086 # a list of words
"$cargo" build $flags --release --locked --target $wasm --target-dir "$build"
mkdir -p "$(dirname -- "$out")"
# Crates of one library name would overwrite each other's file.
name=$(sed -n '/^\[lib\]/,$s/^name = "\(.*\)"/\1/p' Cargo.toml | head -n1)
cp "$build/$wasm/release/$name.wasm" "$out"
echo "$out $(wc -c <"$out") bytes"
