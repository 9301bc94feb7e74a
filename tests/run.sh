#!/bin/sh
# SPDX-License-Identifier: MIT
#
#     sh tests/run.sh         what each change is tested with
#     sh tests/run.sh long    and then what takes hours
#
# Builds lend and runs its test suite on Debian 12: with gcc, with clang, under AddressSanitizer with
# UBSan, and under ThreadSanitizer. Installs what it needs first (as root or with sudo). Products go
# to build/; the scanned pages that some tests read are looked for in $LEND_TEST_DATA, and those
# tests skip where they are missing. tests/README.md says what each part proves.
set -eu
case $#:${1:-} in
0: | 1:long) ;;
*) echo "usage: sh tests/run.sh [long]" >&2; exit 2 ;;
esac
mode=${1:-short}
cd "$(dirname "$0")/.."
. tests/packages.sh

install_packages "$build_packages $test_packages"
if [ "$mode" = long ]; then
    install_packages "$long_packages"
    export LEND_TEST_LONG=1 # tests that can do more of the same do so
fi

jobs=$(nproc)
tests=$((jobs + 1)) # at a time: there is always one that waits for something
began=$(date +%s)

# stage NAME FOLDER CTEST-ARGUMENTS -- CMAKE-ARGUMENTS
stage() {
    name=$1 folder=$2 select=$3
    shift 3
    start=$(date +%s)
    printf '== %s\n' "$name"
    mkdir -p "$folder"
    cmake -S . -B "$folder" -G Ninja -DLEND_BUILD_TESTS=ON -DLEND_WERROR=ON "$@" >"$folder/log" 2>&1 ||
        { cat "$folder/log"; exit 1; }
    ninja -C "$folder" -j "$jobs" >>"$folder/log" 2>&1 || { tail -n 60 "$folder/log"; exit 1; }
    # shellcheck disable=SC2086  # several arguments on purpose
    ctest --test-dir "$folder" -j "$tests" --output-on-failure --no-tests=error $select
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

# Tests that read many pages once more, by ways that others take too: under AddressSanitizer in the
# long run only.
reads_much="ocr_(history|order|text_equals_command|tsv_hocr|loops|folders|json|progress|sample_pages|slow_input)"

# What no test builds has to go on building.
build_on_request() {
    ninja -C build -j "$jobs" lend-bench fuzz-seeds >>build/log 2>&1 ||
        { tail -n 60 build/log; exit 1; }
}

stage "gcc" build "" -DCMAKE_C_COMPILER=gcc -DCMAKE_CXX_COMPILER=g++
extra "gcc, what is built on request" build_on_request
stage "gcc, AddressSanitizer and UBSan" build/asan \
    "-L api|scenarios|unit|stress|ocr|examples|soak|fuzz -E $reads_much" \
    -DCMAKE_C_COMPILER=gcc -DCMAKE_CXX_COMPILER=g++ -DLEND_SANITIZE=address,undefined
stage "clang, ThreadSanitizer" build/tsan "-L api|scenarios|unit|stress|examples|soak" \
    -DCMAKE_C_COMPILER=clang -DCMAKE_CXX_COMPILER=clang++ -DLEND_SANITIZE=thread -DLEND_BUILD_OCR=OFF
stage "gcc, ThreadSanitizer" build/tsan-gcc "-L api|scenarios|unit|examples" \
    -DCMAKE_C_COMPILER=gcc -DLEND_SANITIZE=thread -DLEND_BUILD_OCR=OFF
stage "clang" build/clang "-L api|unit|refuse" \
    -DCMAKE_C_COMPILER=clang -DCMAKE_CXX_COMPILER=clang++

# fuzz SECONDS TARGET LENGTH: what is found new is kept in build/found.
fuzz() {
    mkdir -p "build/found/$2"
    "build/clang/tests/fuzz/fuzz_$2" "-max_total_time=$1" "-max_len=$3" -rss_limit_mb=4096 \
        -timeout=30 -artifact_prefix=build/found/ \
        "build/found/$2" "tests/fuzz/corpus/$2" >build/found/log 2>&1 ||
        { tail -n 60 build/found/log; exit 1; }
    tail -n 1 build/found/log
}

fuzz_all() {
    ninja -C build/clang fuzz_api fuzz_admit fuzz_ocr >build/clang/log ||
        { tail -n 60 build/clang/log; exit 1; }
    fuzz "$1" api 602
    fuzz "$1" admit 8192
    fuzz "$1" ocr 8192
}

if [ "$mode" = short ]; then
    extra "fuzzing, a little" fuzz_all 1
fi

if [ "$mode" = long ]; then
    stage "gcc, AddressSanitizer and UBSan, many pages" build/asan "-R $reads_much" \
        -DCMAKE_C_COMPILER=gcc -DCMAKE_CXX_COMPILER=g++ -DLEND_SANITIZE=address,undefined
    stage "musl" build/musl "-L api|scenarios|unit|stress|examples" \
        --toolchain "$PWD/tests/musl/toolchain.cmake" -DLEND_BUILD_OCR=OFF -DLEND_BUILD_BENCH=OFF
    extra "the models, larger" sh tests/models/check_models.sh long
    extra "branch coverage" sh tests/coverage/check_coverage.sh
    extra "Helgrind and DRD" sh tests/valgrind/check_races.sh
    extra "ten million schedules" build/tests/sim/lend-sim --schedules 126000
    extra "half an hour of everything at once" \
        build/tests/soak/lend-soak --seconds 1800 --seed "$(date +%s)"
    extra "fuzzing, ten minutes each" fuzz_all 600
    extra "branches flipped" sh tests/flips/check_flips.sh
fi
printf '== all of it: %s s\n' "$(($(date +%s) - began))"
