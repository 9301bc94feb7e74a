#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Each public header compiles alone and twice over, in C and in C++, without a warning, with every
# compiler at hand: the build's own, gcc and clang.
set -eu
export LC_ALL=C
cd "$LEND_SOURCE_DIR"
warnings="-Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wundef -Werror"

# compiles HEADER COMPILER LANGUAGE OPTION...: one line says why not
compiles() {
    header=$1 compiler=$2 language=$3
    shift 3
    output=$(printf '#include <%s>\n#include <%s>\n' "$header" "$header" |
        "$compiler" -x "$language" "$@" -Iinclude -fsyntax-only - 2>&1) || {
        echo "$output" | grep -m 1 error || echo "include/$header: $compiler fails"
    } | sed "s|\$| ($compiler $1)|"
}

findings() {
    for header in include/lend/*.h; do
        header=${header#include/}
        for cc in $c_compilers; do
            # shellcheck disable=SC2086  # several options on purpose
            for standard in c11 gnu17 gnu2x; do
                compiles "$header" "$cc" c -std=$standard -Wstrict-prototypes $warnings
            done
        done
        for cxx in $cxx_compilers; do
            # shellcheck disable=SC2086  # several options on purpose
            for standard in c++17 c++20; do
                compiles "$header" "$cxx" c++ -std=$standard -Wold-style-cast $warnings
            done
        done
    done
}

# at_hand COMPILER...
at_hand() {
    for compiler in "$@"; do
        command -v "$compiler" || true
    done | sort -u
}

c_compilers=$(at_hand "$CC" gcc clang)
cxx_compilers=$(at_hand "$CXX" g++ clang++)
found=$(findings | sort -u)
[ -z "$found" ] || { printf '%s\n' "$found"; exit 1; }
