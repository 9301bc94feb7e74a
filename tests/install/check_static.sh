#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Static libraries: built, installed, moved, and used through pkg-config and CMake. The programs
# need no lend at run time.
. "$LEND_SOURCE_DIR/tests/install/prefix.sh"

step "configure" cmake -S "$LEND_SOURCE_DIR" -B "$work/build" -DBUILD_SHARED_LIBS=OFF \
    -DCMAKE_C_COMPILER="$CC" -DCMAKE_CXX_COMPILER="$CXX" -DCMAKE_BUILD_TYPE=Debug \
    -DLEND_WERROR=ON -DLEND_BUILD_TESTS=OFF -DLEND_BUILD_EXAMPLES=OFF -DLEND_BUILD_BENCH=OFF
step "build" cmake --build "$work/build" --parallel 2
install_build "$work/build"
unset LD_LIBRARY_PATH
shared=$(find "$prefix" -name '*.so*')
[ -z "$shared" ] || { echo "installed although static was asked for:"; echo "$shared"; exit 1; }

# by_command SOURCE PACKAGE. Without pkg-config's --static: that would also want static libraries of
# all formats that Leptonica knows, which libleptonica-dev does not bring.
by_command() {
    # shellcheck disable=SC2046  # several options on purpose
    step "compile $1 with $2" "$CC" "$1" -o "$work/consumer" $(pkg-config --cflags --libs "$2")
    step "run $1" "$work/consumer"
}

# by_cmake FOLDER
by_cmake() {
    step "configure $1" cmake -S "$1" -B "$work/$1" -DCMAKE_C_COMPILER="$CC" \
        -DCMAKE_PREFIX_PATH="$prefix"
    step "build $1" cmake --build "$work/$1"
    step "run $1" "$work/$1/consumer"
}

by_command consumer.c lend
by_cmake core
if has_ocr; then
    by_command consumer_ocr.c lend-ocr
    by_cmake ocr
fi
