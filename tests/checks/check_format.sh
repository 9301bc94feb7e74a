#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Every C and C++ file looks as .clang-format says.
set -eu
cd "$LEND_SOURCE_DIR"
command -v clang-format >/dev/null || { echo "skipped: no clang-format"; exit 77; }
clang-format --style=file --dump-config >/dev/null

# clang-format 14 cannot be told words like `} lend_else {` and `} lend_end`: it is shown the if and
# else that they stand for. Line numbers stay as they are.
plain() {
    sed -e 's/} lend_else {/} else {/' -e 's/} lend_end\b/}/' "$1"
}

found=$(find include src tests examples -name '*.[ch]' -o -name '*.cc' | sort |
    while read -r file; do
        plain "$file" | clang-format --dry-run --assume-filename="$file" 2>&1 |
            sed -n "s|^\([^ :]*:[0-9]*\):.* warning: .*|\1: clang-format would change this|p"
    done | uniq)
[ -z "$found" ] || { printf '%s\n' "$found"; exit 1; }
