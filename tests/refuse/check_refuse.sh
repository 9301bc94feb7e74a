#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Mistakes that a compiler refuses. Each file here holds one: it must not compile, the compiler must
# point at every line that says `refused: REGEX` and say something that matches. With -DMENDED the
# mistake is mended and the same file must compile, so that none is refused for a wrong reason.
set -eu
export LC_ALL=C
cd "$LEND_SOURCE_DIR/tests/refuse"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# clang stops at the twentieth.
all_errors=
"$CC" --version | grep -q clang && all_errors=-ferror-limit=0

# shellcheck disable=SC2086  # $all_errors may be none
compile() {
    "$CC" -std=gnu11 -Wall -Wextra -Werror $all_errors -fexceptions -I../../include -c \
        -o "$work/object" "$@" >"$work/says" 2>&1
}

# expected FILE: its lines that are to be refused, each with the REGEX
expected() {
    sed -n '/refused: /{=;s|.*refused: \(.*\) \*/$|\1|p;}' "$1" | paste -d ' ' - -
}

refused() {
    if compile "$1"; then
        echo "tests/refuse/$1:1: compiles"
        return
    fi
    expected "$1" >"$work/expected"
    while read -r line regex; do
        grep -qE "^$1:$line:[0-9]+: (error|note):" "$work/says" ||
            echo "tests/refuse/$1:$line: nothing is refused here"
        grep -qE "$regex" "$work/says" || echo "tests/refuse/$1:$line: not said: $regex"
    done <"$work/expected"
}

mended() {
    compile -DMENDED "$1" ||
        sed -n "s|^\([^ :]*:[0-9]*\):.*error: \(.*\)|tests/refuse/\1: does not compile mended: \2|p" \
            "$work/says"
}

# Every function whose result must not be dropped is dropped in dropped_result.c.
all_dropped() {
    sed -n 's/.*LEND_NODISCARD .*[ *]\(lend_[a-z_]*\)(.*/\1/p' ../../include/lend/*.h |
        while read -r name; do
            grep -qE "CALL\(\(?$name\)?\(.*refused" dropped_result.c ||
                echo "tests/refuse/dropped_result.c:1: does not drop the result of $name"
        done
}

found=$(for file in *.c; do refused "$file"; mended "$file"; done; all_dropped)
[ -z "$found" ] || { printf '%s\n' "$found"; exit 1; }
