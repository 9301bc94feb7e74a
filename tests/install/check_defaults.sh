#!/bin/sh
# SPDX-License-Identifier: MIT
#
# README's own commands build libraries and examples, and neither tests nor benchmarks; and no
# warning that some other compiler has ends them.
. "$LEND_SOURCE_DIR/tests/install/prefix.sh"
command -v ninja >/dev/null || { echo "skipped: no ninja"; exit 77; }

step "configure" cmake -S "$LEND_SOURCE_DIR" -B "$work/build" -DCMAKE_C_COMPILER="$CC" \
    -DCMAKE_CXX_COMPILER="$CXX" -DLEND_BUILD_TESTS=OFF
ninja -C "$work/build" -t commands all >"$work/commands"
grep -q 'examples/borrow' "$work/commands" || { echo "the examples are not built"; exit 1; }
extra=$(grep -oE '[-]o tests/[^ ]*' "$work/commands" | head -n 5)
[ -z "$extra" ] || { echo "built without being asked for:" $extra; exit 1; }
! grep -q -e '-Werror' "$work/commands" || { echo "a warning would end the build"; exit 1; }
