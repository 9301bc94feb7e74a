#!/bin/sh
# SPDX-License-Identifier: MIT
#
# find_package(lend): the components core and ocr, and what is said when one is missing.
. "$LEND_SOURCE_DIR/tests/install/prefix.sh"
install_build "$LEND_BUILD_DIR"

# configure FOLDER
configure() {
    cmake -S "$1" -B "$work/$1" -DCMAKE_C_COMPILER="$CC" -DCMAKE_PREFIX_PATH="$prefix"
}

# use FOLDER: configure, build and run the consumer in it
use() {
    step "configure $1" configure "$1"
    step "build $1" cmake --build "$work/$1"
    step "run $1" "$work/$1/consumer"
}

# miss FOLDER WORDS: its find_package must fail with these words
miss() {
    if configure "$1" >"$work/says" 2>&1; then
        echo "tests/install/$1/CMakeLists.txt: found what is not there"
        exit 1
    fi
    grep -q "$2" "$work/says" || {
        echo "tests/install/$1/CMakeLists.txt: not said: $2"
        cat "$work/says"
        exit 1
    }
}

use core
! has_ocr || use ocr
miss missing "no component speech"

rm -f "$prefix"/lib*/cmake/lend/lendOcr*.cmake "$prefix"/lib*/*/cmake/lend/lendOcr*.cmake
rm -rf "$work/ocr"
miss ocr "built without OCR"
