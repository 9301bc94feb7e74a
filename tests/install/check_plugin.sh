#!/bin/sh
# SPDX-License-Identifier: MIT
#
# The library may be opened late and closed early: by dlopen and dlclose, with threads that have
# used it in between. With musl, too, if there is a compiler for it: there no thread-local may be
# laid out as if the library had been there from the start.
. "$LEND_SOURCE_DIR/tests/install/prefix.sh"

sources=$LEND_SOURCE_DIR/src
library=$LEND_BUILD_DIR/src/liblend.so
[ -e "$library" ] || { echo "skipped: the libraries are not shared"; exit 77; }

# open_and_close COMPILER LIBRARY
open_and_close() {
    step "compile with $1" "$1" -I "$LEND_SOURCE_DIR/include" plugin.c -o "$work/plugin" -pthread -ldl
    step "open and close $2" "$work/plugin" "$2"
}

open_and_close "$CC" "$library"
if command -v musl-gcc >"$work/says"; then
    # shellcheck disable=SC2046  # a list on purpose
    step "compile the core with musl-gcc" musl-gcc -std=gnu11 -shared -fPIC -fexceptions -pthread \
        -fvisibility=hidden -I "$LEND_SOURCE_DIR/include" -I "$sources" \
        $(find "$sources/base" "$sources/sync" "$sources/pool" "$sources/exec" -name '*.c') \
        -o "$work/liblend.so"
    open_and_close musl-gcc "$work/liblend.so"
fi
