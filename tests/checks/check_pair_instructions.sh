#!/bin/sh
# SPDX-License-Identifier: MIT
#
# An uncontended acquire and release cost no more instructions than they did: a bound that shows a
# regression without a clock. Instructions depend on the compiler, so it is for one way to build.
set -eu
most=200 # measured: 182 (gcc 12, RelWithDebInfo, x86-64)

skip() {
    echo "skipped: $1"
    exit 77
}

command -v valgrind >/dev/null || skip "no valgrind"
pairs=$LEND_BUILD_DIR/tests/bench/lend-pairs
[ -x "$pairs" ] || skip "the benchmarks are not built"
[ "$(uname -m)" = x86_64 ] || skip "the bound is for x86-64"
[ -z "${LEND_SANITIZE:-}" ] || skip "sanitizers add instructions"
! "$CC" --version | grep -qi clang || skip "the bound is for gcc"
grep -q '^CMAKE_BUILD_TYPE:[A-Z]*=RelWithDebInfo$' "$LEND_BUILD_DIR/CMakeCache.txt" ||
    skip "the bound is for RelWithDebInfo"

# counted N: instructions of a program that borrows N times
counted() {
    valgrind --tool=callgrind --callgrind-out-file=/dev/null "$pairs" "$1" 2>&1 |
        sed -n 's/.*Collected *: *\([0-9]*\).*/\1/p'
}

few=$(counted 1000) many=$(counted 101000)
each=$(((many - few) / 100000))
echo "$each instructions for an acquire and a release, at most $most"
[ "$each" -gt 10 ] && [ "$each" -le "$most" ]
