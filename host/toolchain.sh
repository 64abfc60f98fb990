#!/bin/sh
# Prints the cargo that builds the host, after making sure that there is one with rustc 1.95 or later and a C linker.
#
# The one on the PATH if it is new enough, else Debian's cargo-web and rustc-web (which browsers are built with, so they
# are kept new), which are installed where apt-get may.
set -eu

oldest=1.95

die() {
	echo "host/toolchain.sh: $*" >&2
	exit 1
}

is_new_enough() {
	version=$("$1" --version 2>/dev/null | cut -d' ' -f2) || return 1
	[ -n "$version" ] && [ "$(printf '%s\n' "$oldest" "$version" | sort -V | head -n1)" = "$oldest" ]
}

apt_install() {
	command -v apt-get >/dev/null 2>&1 || return 1
	[ "$(id -u)" = 0 ] || die "missing: $1. Run
  sudo apt-get install --no-install-recommends $1"
	apt-get update >&2
	# shellcheck disable=SC2086 # a list of words
	DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends $1 >&2
}

command -v cc >/dev/null 2>&1 || apt_install "gcc libc6-dev" || die "no C compiler (cc): install gcc or clang"

if is_new_enough rustc && command -v cargo >/dev/null 2>&1; then
	command -v cargo
elif is_new_enough /usr/bin/rustc && [ -x /usr/bin/cargo ]; then
	echo "env RUSTC=/usr/bin/rustc /usr/bin/cargo"
elif apt_install "rustc-web cargo-web"; then
	echo "env RUSTC=/usr/bin/rustc /usr/bin/cargo"
else
	die "rustc $oldest or later is needed: install it with rustup (rustup update stable)"
fi
