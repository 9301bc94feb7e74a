#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Every C and C++ file looks as .clang-format says.
set -eu
cd "$LEND_SOURCE_DIR"
command -v clang-format >/dev/null || { echo "skipped: no clang-format"; exit 77; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# clang-format 14 cannot be told words like `} lend_else {` and `} lend_end`: it is shown copies
# with the if and else that they stand for. Line numbers stay as they are.
find include src tests examples -name '*.[ch]' -o -name '*.cc' | sort >"$work/files"
while read -r file; do
    mkdir -p "$work/${file%/*}"
    sed -e 's/} lend_else {/} else {/' -e 's/} lend_end\b/}/' "$file" >"$work/$file"
done <"$work/files"
cp .clang-format "$work"

cd "$work"
# It exits with 0 whatever it would change; any other status means that it could not run.
xargs clang-format --dry-run <files 2>says || { cat says; exit 1; }
found=$(sed -n 's/^\([^ :]*:[0-9]*\):.* warning: .*/\1: clang-format would change this/p' says | uniq)
[ -z "$found" ] || { printf '%s\n' "$found"; exit 1; }
