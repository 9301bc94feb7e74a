#!/bin/sh
# SPDX-License-Identifier: MIT
#
#     sh check_coverage.sh [FOLDER]
#
# Builds the core with gcov's counters in FOLDER (build/coverage), runs on it what is to have taken
# each of its branches, in calls that work, in calls that fail and in races that are lost, and has
# them counted (branches.py). $LEND_COVERAGE is the least share that will do: 100 %.
#
# What would distort the count is switched off: inlining, which makes copies of a branch, and gcov's
# own fork, which forgets in the child what the handlers of the fork have counted.
set -eu
cd "${LEND_SOURCE_DIR:-$(dirname "$0")/../..}"
folder=${1:-build/coverage}
mkdir -p "$folder"

gcc -O2 -c -o "$folder/exit.o" tests/coverage/exit.c
cmake -S . -B "$folder" -G Ninja -DCMAKE_C_COMPILER=gcc -DCMAKE_BUILD_TYPE=Debug \
    -DLEND_WERROR=ON -DBUILD_SHARED_LIBS=OFF -DLEND_BUILD_OCR=OFF -DLEND_BUILD_BENCH=OFF \
    -DCMAKE_C_FLAGS="--coverage -fprofile-update=atomic -fno-builtin-fork -D__always_inline__=__unused__" \
    -DCMAKE_EXE_LINKER_FLAGS="$PWD/$folder/exit.o" >"$folder/log"
ninja -C "$folder" >>"$folder/log" || { tail -n 60 "$folder/log"; exit 1; }
ninja -C "$folder" -t cleandead >>"$folder/log"
find "$folder" -name '*.gcda' -delete

# One test links the library itself, without the counters' run time.
ctest --test-dir "$folder" -j "$(nproc)" -L 'api|unit|scenarios|stress|examples' -E exception \
    --output-on-failure --no-tests=error >>"$folder/log" || { tail -n 60 "$folder/log"; exit 1; }

# The fault loop on all sites that are known. Whether it holds is for faults/check_faults.sh to say.
program=$folder/tests/lend-faults
objdump -d --no-show-raw-insn "$program" | awk -f tests/faults/sites.awk >"$program.called-from"
awk 'NR == FNR { fails[$1] = $2 == "fails"; next } fails[$2]' tests/faults/symbols.list \
    "$program.called-from" >"$program.sites"
"$program" "$program.sites" >>"$folder/log" || true

# The simulation loses the races on purpose. It compiles the same text. One of them is rare.
simulate() {
    "$folder/tests/sim/lend-sim" "$@" >>"$folder/log" || { tail -n 60 "$folder/log"; exit 1; }
}
simulate --schedules 500
simulate --schedules 20000 --scenario a_failure_is_read_or_told_to_the_sink_once

python3 tests/coverage/branches.py "$folder" . "${LEND_COVERAGE:-100}"
