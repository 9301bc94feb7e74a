#!/bin/sh
# SPDX-License-Identifier: MIT
#
# The shared libraries export exactly what their public headers declare with LEND_API. The core's
# thread-locals are one load away: none is looked up by a call.
set -eu
export LC_ALL=C
checks=$LEND_SOURCE_DIR/tests/checks
cd "$LEND_SOURCE_DIR"
core=$LEND_BUILD_DIR/src/liblend.so ocr=$LEND_BUILD_DIR/src/liblend-ocr.so
[ ! -e "${core%.so}.a" ] || { echo "skipped: the libraries are not shared"; exit 77; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# declared HEADER...: as NAME FILE:LINE. The name stands on the line of LEND_API.
declared() {
    awk -f "$checks/code.awk" "$@" | grep 'LEND_API' | grep -v 'define LEND_API' |
        sed 's/^\([^:]*:[0-9]*\):.*[ *]\(lend_[a-z0-9_]*\)[(;].*/\2 \1/' | sort
}

# exported LIBRARY: its names
exported() {
    nm -D --defined-only "$1" | awk '{ print $3 }' | sort
}

# agree LIBRARY HEADER...
agree() {
    library=$1
    shift
    declared "$@" >"$work/lines"
    grep '^lend_' "$work/lines" >"$work/declared"
    exported "$library" >"$work/exported"
    grep -v '^lend_' "$work/lines" | sed 's/:LEND_API.*/: no name of lend on the line of LEND_API/'
    join -v 1 "$work/declared" "$work/exported" |
        sed "s|\([^ ]*\) \(.*\)|\2: \1 is declared, but ${library##*/} does not export it|"
    join -v 2 "$work/declared" "$work/exported" |
        sed "s|.*|${library##*/}: exports &, which no public header declares|"
}

findings() {
    # shellcheck disable=SC2046  # a list on purpose
    agree "$core" $(find include/lend -name '*.h' ! -name ocr.h)
    [ ! -e "$ocr" ] || agree "$ocr" include/lend/ocr.h
    ! nm -D "$core" | grep -q __tls_get_addr || echo "${core##*/}: looks up a thread-local by a call"
}

found=$(findings)
[ -z "$found" ] || { printf '%s\n' "$found"; exit 1; }
