#!/bin/sh
# SPDX-License-Identifier: MIT
#
#     sh check_races.sh [FOLDER [PROGRAM...]]
#
# Helgrind's and DRD's second opinion on races, lock order and the use of pthreads: the tests of the
# api, of the insides and of the scenarios under each, in a build that tells them of atomics
# (stdatomic.h). Says what each found in each program. Nothing of lend is suppressed: libc.supp is
# for a place inside glibc and one inside Helgrind.
set -eu
cd "${LEND_SOURCE_DIR:-$(dirname "$0")/../..}"
folder=${1:-build/valgrind}
[ $# -eq 0 ] || shift
mkdir -p "$folder"
cmake -S . -B "$folder" -G Ninja -DCMAKE_C_COMPILER=gcc -DCMAKE_C_FLAGS="-I$PWD/tests/valgrind" \
    -DLEND_BUILD_OCR=OFF -DLEND_BUILD_BENCH=OFF -DLEND_BUILD_EXAMPLES=OFF >"$folder/log"
ninja -C "$folder" >>"$folder/log" || { tail -n 60 "$folder/log"; exit 1; }

# verdict TOOL PROGRAM: in one line; not 0 if it found anything or the test failed
verdict() {
    log=$folder/$1.${2##*/}
    rc=0
    CMOCKA_TEST_ABORT=0 timeout 900 valgrind --tool="$1" --error-exitcode=99 \
        --suppressions=tests/valgrind/libc.supp "$2" >"$log" 2>&1 || rc=$?
    case $rc in
    0) echo "$1 ${2##*/}: nothing" ;;
    77) echo "$1 ${2##*/}: skipped" ;;
    99) echo "$1 ${2##*/}: $(sed -n 's/.*ERROR SUMMARY: \(.*\) (supp.*/\1/p' "$log"), see $log"; return 1 ;;
    124) echo "$1 ${2##*/}: not over in 900 s"; return 1 ;;
    *) echo "$1 ${2##*/}: the test fails ($rc), see $log"; return 1 ;;
    esac
}

[ $# -gt 0 ] || set -- "$folder"/tests/api_* "$folder"/tests/unit_* "$folder"/tests/scenarios_*
bad=0
for tool in helgrind drd; do
    for program in "$@"; do
        verdict "$tool" "$program" || bad=1
    done
done
exit $bad
