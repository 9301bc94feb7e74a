#!/bin/sh
# SPDX-License-Identifier: MIT
#
# add_subdirectory: lend as part of somebody's project. Its tests and examples stay out of it.
. "$LEND_SOURCE_DIR/tests/install/prefix.sh"

step "configure" cmake -S subdirectory -B "$work/build" -DCMAKE_C_COMPILER="$CC"
step "build" cmake --build "$work/build" --parallel 2
step "run" "$work/build/consumer"
extra=$(cmake --build "$work/build" --target help | grep -E 'test_support|example|lend-bench' || true)
[ -z "$extra" ] || { echo "built without being asked for:"; echo "$extra"; exit 1; }
