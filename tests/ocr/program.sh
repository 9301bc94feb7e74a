# SPDX-License-Identifier: MIT
#
# Sourced by the checks of the program lend-ocr: where everything is, and how a check ends. A check
# runs in an empty folder of its own, which is gone afterwards.
set -eu
program=$LEND_BUILD_DIR/examples/lend-ocr
# shellcheck disable=SC2034  # used by those who source this, like the next ones
pages=$LEND_SOURCE_DIR/examples/pages
receipts=$LEND_TEST_DATA/receipts
scans=$LEND_TEST_DATA/pages
hostile=$LEND_TEST_DATA/hostile
export OMP_THREAD_LIMIT=1 # for the tesseract command; lend-ocr needs no such thing

skip() {
    printf 'skipped: %s\n' "$*"
    exit 77
}

fail() {
    printf 'failed: %s\n' "$*" >&2
    exit 1
}

# expect_status STATUS COMMAND...: run it, with its output in ./out and ./err.
expect_status() {
    wanted=$1
    shift
    status=0
    "$@" >out 2>err || status=$?
    [ "$status" -eq "$wanted" ] && return
    head -n 20 err >&2
    fail "exit status $status, not $wanted: $*"
}

# expect_same FILE FILE WHAT
expect_same() {
    cmp "$1" "$2" >&2 && return
    diff "$1" "$2" | head -n 20 >&2
    fail "$3"
}

[ -x "$program" ] || skip "lend-ocr is not built"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
