#!/bin/sh
# SPDX-License-Identifier: MIT
#
# C++: a project without any C borrows and submits.
. "$LEND_SOURCE_DIR/tests/install/prefix.sh"
install_build "$LEND_BUILD_DIR"
[ -n "${CXX:-}" ] || { echo "skipped: no C++ compiler"; exit 77; }

step "configure" cmake -S cxx -B "$work/build" -DCMAKE_CXX_COMPILER="$CXX" \
    -DCMAKE_PREFIX_PATH="$prefix"
step "build" cmake --build "$work/build"
step "run" "$work/build/consumer"
