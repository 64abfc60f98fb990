#!/bin/sh
# Plugins that must not get into service: the build or the first call refuses each, with words that help.
#
#   refused.sh PROJECT CASE…
#
# PROJECT is a folder with plugin.toml and the helper library. Each CASE takes the place of its plugin.* in turn; the first
# line of a case says `expect: TEXT`. The program is $TOLLGATE.
set -eu
project=$1
shift
failed=0
for case; do
    expected=$(sed -n '1s/.*expect: //; 1s| \*/$||; 1p' "$case")
    cp "$case" "$project/plugin.${case##*.}"
    rm -f "$project"/build/*.wasm
    if said=$({ "$TOLLGATE" build "$project" && "$TOLLGATE" check "$project"/build/*.wasm; } 2>&1); then
        echo "$case: accepted"
        failed=1
    elif ! printf '%s\n' "$said" | grep -qF -- "$expected"; then
        printf '%s: not refused with "%s" but so:\n%s\n' "$case" "$expected" "$said"
        failed=1
    else
        echo "ok       $(basename "$case")"
    fi
done
exit $failed
