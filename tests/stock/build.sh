#!/bin/sh
# Builds standard wasi:http components, which were not written for tollgate, and a plugin that uses standard interfaces, to target/stock/<name>.wasm: all, or those named.
#
#   tests/stock/build.sh [NAME…]
#
#   stock-middleware          rust/behaviour: wasi:http 0.3 middleware that does what the field x-do says
#   stock-service             the same as a wasi:http 0.3 service
#   stock-proxy               rust/proxy: the same for wasi:http 0.2
#   stock-forward             rust/forward: a wasi:http 0.2 proxy by wstd, which marks and sends on to backend.internal
#   outgoing                  rust/outgoing: a plugin of tollgate's that uses wstd for requests, and wasi:keyvalue
#   wstd-http-server          the crate wstd's own examples http_server and http_server_proxy, as published
#   wstd-http-server-proxy
#   wasip3-http-proxy         the crate wasip3's own examples http-proxy and http-proxy-compat (wasi:http 0.3.2), as published
#   wasip3-http-proxy-compat
#
# The toolchain is the active one if it has the target wasm32-wasip2, or rustup may install it (RUSTUP_AUTO_INSTALL is
# not 0); its linker makes components. Else it is Debian's rustc-web, cargo-web, rust-web-src, lld-22 and wasi-libc, which
# are installed where apt-get may: they build for wasm32-wasip1, and rust/encode makes the components.
set -eu

die() {
	echo "tests/stock/build.sh: $*" >&2
	exit 1
}

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
target=${CARGO_TARGET_DIR:-$here/../../target}
mkdir -p "$target"
target=$(CDPATH='' cd -- "$target" && pwd)
build=$target/stock-build
out=$target/stock

# What an outer cargo or rustup says of its own build is not meant for this one.
unset CARGO RUSTC RUSTDOC RUSTFLAGS CARGO_ENCODED_RUSTFLAGS RUSTC_WRAPPER RUSTC_WORKSPACE_WRAPPER \
	CARGO_BUILD_TARGET CARGO_BUILD_RUSTC CARGO_BUILD_RUSTFLAGS CARGO_BUILD_RUSTC_WRAPPER \
	CARGO_MAKEFLAGS MAKEFLAGS RUST_RECURSION_COUNT CARGO_TARGET_DIR

# Toolchains, best first.

wasm=wasm32-wasip2
active_has() {
	libdir=$(rustc --print target-libdir --target "$wasm" 2>/dev/null) && [ -d "$libdir" ]
}

rustup_adds() {
	command -v rustup >/dev/null 2>&1 && [ "${RUSTUP_AUTO_INSTALL:-1}" != 0 ] && rustup target add "$wasm" >&2
}

# Debian compiles the standard library for the target from its source, which only a bootstrapping rustc may.
debian_packages='rustc-web cargo-web rust-web-src lld-22 wasi-libc'
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

# Cargo for what becomes WebAssembly; after `--` are arguments of rustc's. One profile for all, ours and that of the
# published crates, so that the standard library is compiled once: small, and a panic is a trap.
for_wasm() {
	# shellcheck disable=SC2086 # a list of words
	CARGO_PROFILE_RELEASE_OPT_LEVEL=s CARGO_PROFILE_RELEASE_LTO=true CARGO_PROFILE_RELEASE_CODEGEN_UNITS=1 \
		CARGO_PROFILE_RELEASE_PANIC=abort CARGO_PROFILE_RELEASE_STRIP=debuginfo \
		"$cargo" rustc $flags --locked --release --target "$wasm" --target-dir "$build" --quiet "$@"
}

cargo=cargo
flags=
start=
if active_has || rustup_adds; then
	:
elif debian_has || debian_adds; then
	unset RUSTUP_TOOLCHAIN LD_LIBRARY_PATH
	wasm=wasm32-wasip1
	libc=/usr/lib/wasm32-wasi
	cargo=/usr/bin/cargo
	flags="-Zbuild-std=std,panic_abort -Zbuild-std-features="
	# The start file of a program; rustc doesn't look for it under the name that wasi-libc gives it.
	start="-C link-arg=$libc/crt1-command.o"
	export RUSTC=/usr/bin/rustc RUSTC_BOOTSTRAP=1 CARGO_TARGET_WASM32_WASIP1_LINKER=wasm-ld-22
	CARGO_TARGET_WASM32_WASIP1_RUSTFLAGS="-C link-self-contained=no -L native=$libc"
	export CARGO_TARGET_WASM32_WASIP1_RUSTFLAGS
else
	die "no toolchain for $wasm; install rustup and run: rustup target add $wasm"
fi

# Puts what cargo built in its place, as a component and in one step, and only when its bytes differ.
place() {
	built=$build/$wasm/release/$1
	mkdir -p "$out"
	"$build/debug/encode" "$built" "$out/.$2.wasm.$$" || die "$built could not be made a component"
	if cmp -s "$out/.$2.wasm.$$" "$out/$2.wasm"; then
		rm "$out/.$2.wasm.$$"
	else
		mv "$out/.$2.wasm.$$" "$out/$2.wasm"
	fi
	echo "$out/$2.wasm $(wc -c <"$out/$2.wasm") bytes"
}

# A member of our workspace: package, name, further arguments.
guest() {
	package=$1 name=$2
	shift 2
	for_wasm --manifest-path "$here/rust/Cargo.toml" -p "$package" "$@"
	place "$package.wasm" "$name"
}

# An example in the published source of a crate: crate, example, name, further arguments. The crate's own lock file is
# obeyed, nothing is written beside its source.
example() {
	crate=$1 file=$2 name=$3
	shift 3
	manifest=$("$cargo" metadata --locked --format-version 1 --manifest-path "$here/rust/Cargo.toml" | tr ',' '\n' |
		sed -n "s|.*\"manifest_path\":\"\(.*/$crate-[0-9][^/]*/Cargo.toml\)\".*|\1|p" | sort -u)
	[ -f "$manifest" ] || die "the source of the crate $crate was not found: $manifest"
	for_wasm --manifest-path "$manifest" --example "$file" "$@"
	# A library's file is named after its crate, which has no hyphens.
	place "examples/$(echo "$file" | tr - _).wasm" "$name"
}

make() {
	case $1 in
	stock-middleware) guest behaviour "$1" ;;
	stock-service) guest behaviour "$1" --features service ;;
	stock-proxy) guest proxy "$1" ;;
	stock-forward) guest forward "$1" ;;
	outgoing) guest outgoing "$1" ;;
	# shellcheck disable=SC2086 # a list of words
	wstd-http-server) example wstd http_server "$1" -- $start ;;
	# shellcheck disable=SC2086 # a list of words
	wstd-http-server-proxy) example wstd http_server_proxy "$1" -- $start ;;
	wasip3-http-proxy) example wasip3 http-proxy "$1" --features http-compat ;;
	wasip3-http-proxy-compat) example wasip3 http-proxy-compat "$1" --features http-compat ;;
	*) die "no component named $1; there are: $all" ;;
	esac
}

all='stock-middleware stock-service stock-proxy stock-forward outgoing wstd-http-server wstd-http-server-proxy
wasip3-http-proxy wasip3-http-proxy-compat'
# shellcheck disable=SC2086 # a list of words
[ $# -gt 0 ] || set -- $all

"$cargo" build --locked --quiet --manifest-path "$here/rust/Cargo.toml" --target-dir "$build" -p encode
for name in "$@"; do
	make "$name"
done
