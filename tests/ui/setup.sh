#!/bin/sh
# Gets what tests/ui needs: playwright-core and axe-core from npm, as the lock file has them, and Debian's Chromium, where it may.
# Does nothing when all is there. CHROMIUM=/path/to/it chooses the browser.
set -eu

here=$(cd "$(dirname "$0")" && pwd)

fail() {
    printf 'tests/ui/setup.sh: %s\n' "$1" >&2
    exit 1
}

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi
}

has_chromium() {
    [ -n "${CHROMIUM:-}" ] || command -v chromium >/dev/null || command -v chromium-browser >/dev/null || command -v google-chrome >/dev/null
}

if ! command -v npm >/dev/null; then fail 'npm is missing; install Node.js 20 or newer'; fi
node -e 'process.exit(Number(process.versions.node.split(".")[0]) < 20 ? 1 : 0)' || fail "$(node --version) is too old; install Node.js 20 or newer"

if ! has_chromium && [ -z "${E2E_NO_APT:-}" ] && command -v apt-get >/dev/null && as_root true 2>/dev/null; then
    printf 'installing chromium\n' >&2
    install() { as_root env DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends chromium >/dev/null; }
    install 2>/dev/null || { as_root apt-get update -qq >/dev/null && install; } || true
fi
has_chromium || fail 'Chromium is missing; on Debian: sudo apt-get install chromium; elsewhere set CHROMIUM=/path/to/it'

if ! cmp -s "$here/package-lock.json" "$here/node_modules/.installed"; then
    npm ci --prefix "$here" --no-audit --no-fund --loglevel=error >&2
    cp "$here/package-lock.json" "$here/node_modules/.installed"
fi
