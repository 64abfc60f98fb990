#!/bin/sh
# Makes target/venv, the virtual environment of tests/e2e and tests/moto, and installs the Debian packages whose programs
# the tests start, where it may, target/e2e-js, clients for JavaScript, and target/awscli. Does nothing when all is there.
# PYTHON=/path/to/python3 chooses the interpreter; E2E_NO_APT=1 leaves the system's packages alone.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
venv=$(cd "$here/../.." && pwd)/target/venv
python=${PYTHON:-python3}
awscli_version=1.46.3

fail() {
    printf 'tests/e2e/setup.sh: %s\n' "$1" >&2
    exit 1
}

# Debian packages that lack their program. /usr/sbin is not on everybody's PATH, and nginx is there.
missing_packages() {
    while read -r program package; do
        PATH=$PATH:/usr/sbin command -v "$program" >/dev/null || printf '%s ' "$package"
    done <<EOF
nginx nginx-light
curl curl
h2load nghttp2-client
slowhttptest slowhttptest
openssl openssl
redis-server redis-server
EOF
}

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi
}

# A package's service must not start: the tests start their own nginx.
install_quietly() {
    policy=/usr/sbin/policy-rc.d
    if [ -e "$policy" ]; then policy=; else printf '#!/bin/sh\nexit 101\n' | as_root install -m 755 /dev/stdin "$policy"; fi
    status=0
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends "$@" >/dev/null || status=$?
    [ -z "$policy" ] || as_root rm -f "$policy"
    return "$status"
}

# Without them the tests that need them are skipped, so nothing here is an error.
install_packages() {
    packages=$(missing_packages)
    [ -n "$packages" ] || return 0
    if [ -z "${E2E_NO_APT:-}" ] && command -v apt-get >/dev/null && as_root true 2>/dev/null; then
        printf 'installing %s\n' "$packages" >&2
        # shellcheck disable=SC2086 # one word for each package
        install_quietly $packages 2>/dev/null ||
            { as_root apt-get update -qq >/dev/null && install_quietly $packages; } || true
        packages=$(missing_packages)
    fi
    [ -z "$packages" ] || printf 'some tests will be skipped; on Debian or Ubuntu: sudo apt-get install %s\n' "$packages" >&2
}

# The vendors' clients of language models for JavaScript; without npm the tests that need them are skipped.
install_clients() {
    clients=$here/../../target/e2e-js
    if ! command -v npm >/dev/null; then
        printf 'tests with clients for JavaScript will be skipped, because npm is missing (install Node.js 20 or newer)\n' >&2
        return 0
    fi
    cmp -s "$here/javascript/package.json" "$clients/installed.json" && return 0
    mkdir -p "$clients"
    cp "$here/javascript/package.json" "$clients/package.json"
    if npm install --prefix "$clients" --no-audit --no-fund --no-package-lock --loglevel=error >&2; then
        cp "$here/javascript/package.json" "$clients/installed.json"
    else
        rm -rf "$clients/node_modules"
        printf 'tests with clients for JavaScript will be skipped, because npm could not install them\n' >&2
    fi
}

# The command line of AWS, which has a botocore of its own; without it the test that needs it is skipped.
install_awscli() {
    awscli=$here/../../target/awscli
    [ -x "$awscli/bin/aws" ] && [ "$(cat "$awscli/.installed" 2>/dev/null)" = "$awscli_version" ] && return 0
    rm -rf "$awscli"
    if "$python" -m venv "$awscli" 2>/dev/null && "$awscli/bin/pip" install --quiet --disable-pip-version-check "awscli==$awscli_version" >&2; then
        printf '%s\n' "$awscli_version" >"$awscli/.installed"
    else
        rm -rf "$awscli"
        printf 'a test with the AWS CLI will be skipped, because pip could not install it\n' >&2
    fi
}

install_packages
install_clients

command -v "$python" >/dev/null ||
    fail "$python was not found; on Debian or Ubuntu: sudo apt-get install python3 python3-venv"
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 10))' ||
    fail "$("$python" --version) is too old, moto 5.2 needs Python 3.10; choose another with PYTHON=/path/to/python3"
install_awscli

wanted=$({ "$python" -c 'import sys; print(sys.version, sys.executable)'; cat "$here/requirements.txt" "$here/constraints.txt"; } | cksum)
stamp=$venv/.installed
if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$wanted" ] && [ -x "$venv/bin/pytest" ]; then
    exit 0
fi

"$python" -c 'import ensurepip, venv' 2>/dev/null ||
    fail "$python lacks the module venv or ensurepip; on Debian or Ubuntu: sudo apt-get install python3-venv"

printf 'making %s (a minute or so)\n' "$venv" >&2
rm -rf "$venv"
mkdir -p "$(dirname "$venv")"
"$python" -m venv "$venv"
"$venv/bin/pip" install --quiet --disable-pip-version-check \
    -r "$here/requirements.txt" -c "$here/constraints.txt"
printf '%s\n' "$wanted" >"$stamp"
