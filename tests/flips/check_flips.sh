#!/bin/sh
# SPDX-License-Identifier: MIT
#
#     sh check_flips.sh [FOLDER [ARGUMENT...]]
#
# Builds lend as it is shipped in FOLDER (build/flips) and flips its branches one by one: flips.py,
# which is given the further arguments.
set -eu
cd "${LEND_SOURCE_DIR:-$(dirname "$0")/../..}"
folder=${1:-build/flips}
[ $# -eq 0 ] || shift
. tests/packages.sh
install_packages "$long_packages"
mkdir -p "$folder"
cmake -S . -B "$folder" -G Ninja -DCMAKE_C_COMPILER=gcc -DLEND_WERROR=ON \
    -DLEND_BUILD_OCR=OFF -DLEND_BUILD_BENCH=OFF >"$folder/log"
ninja -C "$folder" >>"$folder/log" || { tail -n 60 "$folder/log"; exit 1; }
gcc -std=gnu11 -O2 -Wall -Wextra -Wshadow -Wconversion -Werror -shared -fPIC \
    -o "$folder/flip.so" tests/flips/flip.c
# the fault loop's list of calls that can fail, and that it is whole
ctest --test-dir "$folder" -R faults --output-on-failure >>"$folder/log" ||
    { tail -n 60 "$folder/log"; exit 1; }
python3 tests/flips/flips.py "$folder" . "$@"
