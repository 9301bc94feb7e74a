#!/bin/sh
# SPDX-License-Identifier: MIT
#
#     sh tests/run.sh         what each change is tested with
#     sh tests/run.sh long    and then what takes hours
#
# Builds lend and runs its test suite on Debian 12: with gcc, with clang, under AddressSanitizer with
# UBSan, and under ThreadSanitizer. Installs what it needs first (as root or with sudo). Products go to build/ and build-*/; the scanned pages that some tests read are looked
# for in $LEND_TEST_DATA, and those tests skip where they are missing.
set -eu
case $#:${1:-} in
0: | 1:long) ;;
*) echo "usage: sh tests/run.sh [long]" >&2; exit 2 ;;
esac
mode=${1:-short}
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

# extra NAME COMMAND...: what is not a build and its ctests
extra() {
    name=$1
    shift
    start=$(date +%s)
    printf '== %s\n' "$name"
    "$@"
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
if [ "$mode" = long ]; then
    stage "musl" build/musl "-L api|scenarios|unit|stress|examples" \
        --toolchain "$PWD/tests/musl/toolchain.cmake" -DLEND_BUILD_OCR=OFF -DLEND_BUILD_BENCH=OFF
    extra "the models, larger" sh tests/models/check_models.sh long
    extra "branch coverage" env LEND_COVERAGE=93 sh tests/coverage/check_coverage.sh
    extra "Helgrind and DRD" sh tests/valgrind/check_races.sh
    extra "branches flipped" sh tests/flips/check_flips.sh
fi
printf '== all of it: %s s\n' "$(($(date +%s) - began))"
