#!/bin/sh
# SPDX-License-Identifier: MIT
#
# An uncontended acquire and release cost no more instructions than they did: bounds that show a
# regression without a clock. Instructions depend on the compiler, so they are for one way to build:
# gcc 12, RelWithDebInfo, x86-64. Where the pool is lent so often that its keeper reads the clock,
# and where the borrower does.
set -eu
often=102 rarely=200 # 92 and 182 were counted

skip() {
    echo "skipped: $1"
    exit 77
}

command -v valgrind >/dev/null || skip "no valgrind"
pairs=$LEND_BUILD_DIR/tests/bench/lend-pairs
[ -x "$pairs" ] || skip "the benchmarks are not built"
[ "$(uname -m)" = x86_64 ] || skip "the bounds are for x86-64"
[ -z "${LEND_SANITIZE:-}" ] || skip "sanitizers add instructions"
! "$CC" --version | grep -qi clang || skip "the bounds are for gcc"
grep -q '^CMAKE_BUILD_TYPE:[A-Z]*=RelWithDebInfo$' "$LEND_BUILD_DIR/CMakeCache.txt" ||
    skip "the bounds are for RelWithDebInfo"

# counted N SLOWER: instructions in the two functions and all that they call, for N pairs
counted() {
    valgrind --tool=callgrind --callgrind-out-file=/dev/null --toggle-collect=lend_acquire_at \
        --toggle-collect=lend_release "$pairs" "$1" "$2" 2>&1 |
        sed -n 's/.*Collected *: *\([0-9]*\).*/\1/p'
}

# bounded WHERE MOST SLOWER: the first pairs, with which a pool gets going, are taken off
bounded() {
    few=$(counted 20000 "$3") many=$(counted 120000 "$3")
    each=$(((many - few) / 100000))
    echo "$each instructions for an acquire and a release where the pool is lent $1, at most $2"
    [ "$each" -gt 10 ] && [ "$each" -le "$2" ]
}

bounded often "$often" 10000
bounded rarely "$rarely" 1
