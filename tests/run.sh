#!/bin/sh
# SPDX-License-Identifier: MIT
#
#     sh tests/run.sh
#
# Builds lend and runs its whole test suite on Debian 12: with gcc, with clang, under
# AddressSanitizer with UBSan, and under ThreadSanitizer. Installs what it needs first (as root or
# with sudo). Products go to build/ and build-*/; the scanned pages that some tests read are looked
# for in $LEND_TEST_DATA, and those tests skip where they are missing.
set -eu
cd "$(dirname "$0")/.."
. tests/packages.sh

install_packages "$build_packages $test_packages"

jobs=$(nproc)
began=$(date +%s)

# stage NAME FOLDER CTEST-ARGUMENTS -- CMAKE-ARGUMENTS
stage() {
    name=$1 folder=$2 select=$3
    shift 3
    start=$(date +%s)
    printf '== %s\n' "$name"
    mkdir -p "$folder"
    cmake -S . -B "$folder" -G Ninja -DLEND_BUILD_TESTS=ON "$@" >"$folder/log" 2>&1 || { cat "$folder/log"; exit 1; }
    ninja -C "$folder" -j "$jobs" >>"$folder/log" 2>&1 || { tail -n 60 "$folder/log"; exit 1; }
    # shellcheck disable=SC2086  # several arguments on purpose
    ctest --test-dir "$folder" -j "$jobs" --output-on-failure --no-tests=error $select
    printf '== %s: %s s\n' "$name" "$(($(date +%s) - start))"
}

stage "gcc" build "" -DCMAKE_C_COMPILER=gcc -DCMAKE_CXX_COMPILER=g++
stage "gcc, AddressSanitizer and UBSan" build/asan "-L api|scenarios|unit|stress|ocr|examples" \
    -DCMAKE_C_COMPILER=gcc -DCMAKE_CXX_COMPILER=g++ -DLEND_SANITIZE=address,undefined
stage "clang, ThreadSanitizer" build/tsan "-L api|scenarios|unit|stress|examples" \
    -DCMAKE_C_COMPILER=clang -DCMAKE_CXX_COMPILER=clang++ -DLEND_SANITIZE=thread -DLEND_BUILD_OCR=OFF
stage "gcc, ThreadSanitizer" build/tsan-gcc "-L api|scenarios|unit|examples" \
    -DCMAKE_C_COMPILER=gcc -DLEND_SANITIZE=thread -DLEND_BUILD_OCR=OFF
stage "clang" build/clang "-L api|scenarios|unit|examples|refuse" \
    -DCMAKE_C_COMPILER=clang -DCMAKE_CXX_COMPILER=clang++
printf '== all of it: %s s\n' "$(($(date +%s) - began))"
