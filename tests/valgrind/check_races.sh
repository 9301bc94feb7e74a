#!/bin/sh
# SPDX-License-Identifier: MIT
#
#     sh check_races.sh [FOLDER [PROGRAM...]]
#
# Helgrind's and DRD's second opinion on races, lock order and the use of pthreads: the tests of the
# api, of the insides and of the scenarios under each, in a build that tells them of atomics
# (stdatomic.h). As many at a time as there are processors; of each, when it is over, what was found.
# Nothing of lend is suppressed: libc.supp is for a place inside glibc and for libgcc.
set -eu
cd "${LEND_SOURCE_DIR:-$(dirname "$0")/../..}"
folder=${1:-build/valgrind}
[ $# -eq 0 ] || shift
mkdir -p "$folder"
cmake -S . -B "$folder" -G Ninja -DCMAKE_C_COMPILER=gcc -DCMAKE_C_FLAGS="-I$PWD/tests/valgrind" \
    -DLEND_WERROR=ON -DLEND_BUILD_OCR=OFF -DLEND_BUILD_BENCH=OFF -DLEND_BUILD_EXAMPLES=OFF \
    >"$folder/log"
ninja -C "$folder" >>"$folder/log" || { tail -n 60 "$folder/log"; exit 1; }

[ $# -gt 0 ] || set -- "$folder"/tests/api_* "$folder"/tests/unit_* "$folder"/tests/scenarios_*
for tool in helgrind drd; do
    printf "$tool %s\n" "$@"
done >"$folder/all"
: >"$folder/verdicts"

# In the foreground, so that Ctrl-C ends them all.
rc=0
nl -w1 -s' ' "$folder/all" |
    xargs -L 1 -P "$(nproc)" sh tests/valgrind/judge.sh "$folder" "$(wc -l <"$folder/all")" || rc=1
sort -s -k1,1r "$folder/verdicts" | awk '
    $1 != tool { if (tool) print line(); tool = $1; programs = clean = seconds = 0 }
    { programs++; clean += $3 == "nothing"; seconds += $2 }
    function line() {
        return sprintf("%s: %d programs, nothing in %d, %d s", tool, programs, clean, seconds)
    }
    END { if (tool) print line() }'
exit $rc
