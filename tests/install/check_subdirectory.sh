#!/bin/sh
# SPDX-License-Identifier: MIT
#
# add_subdirectory: lend as part of somebody's project in C, with shared and with static libraries.
# Its tests and examples stay out of it.
. "$LEND_SOURCE_DIR/tests/install/prefix.sh"

for shared in ON OFF; do
    build=$work/shared-$shared
    step "configure" cmake -S subdirectory -B "$build" -DBUILD_SHARED_LIBS=$shared \
        -DCMAKE_C_COMPILER="$CC" -DCMAKE_CXX_COMPILER="$CXX"
    step "build" cmake --build "$build" --parallel 2
    for consumer in "$build"/consumer*; do
        step "run ${consumer##*/}" "$consumer"
    done
done
step "list the targets" cmake --build "$build" --target help
extra=$(grep -oE 'lend_test_support|example-[a-z]*|lend-bench' "$work/says" | sort -u)
[ -z "$extra" ] || { echo "there without being asked for:" $extra; exit 1; }
