#!/bin/sh
# SPDX-License-Identifier: MIT
#
#     sh examples/quickstart.sh [OPTION...] [FILE...]
#
# On a fresh Debian 12: installs what is missing (as root or with sudo), builds lend-ocr, and reads
# the files, with whatever options of lend-ocr stand before them; without any, the sample pages.
# Text goes to standard output, everything else to standard error. A second run finds all of it done
# and only reads.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
build=$root/build
program=$build/examples/lend-ocr
. "$root/tests/packages.sh"

step() {
    printf '== %s\n' "$*" >&2
}

# quietly COMMAND...: what it prints is shown only if it fails.
quietly() {
    log=$("$@" 2>&1) || {
        printf '%s\n' "$log" >&2
        exit 1
    }
}

step "looking for the packages"
# shellcheck disable=SC2154  # set in packages.sh
install_packages "$build_packages"

step "building $program"
# The tests need more packages. A build folder that is there already stays as it was set up.
[ -f "$build/CMakeCache.txt" ] || quietly cmake -S "$root" -B "$build" -G Ninja \
    -DCMAKE_BUILD_TYPE=Release -DLEND_BUILD_OCR=ON -DLEND_BUILD_TESTS=OFF -DLEND_BUILD_BENCH=OFF
quietly cmake --build "$build" --target example-lend-ocr

if [ $# -gt 0 ]; then
    step "reading"
    exec "$program" "$@"
fi
step "reading the sample pages: lend-ocr -l eng examples/pages/eng_*.png"
"$program" -l eng "$root"/examples/pages/eng_*.png
step "reading the sample pages: lend-ocr -l chi_sim examples/pages/chi_*.png"
"$program" -l chi_sim "$root"/examples/pages/chi_*.png
