#!/bin/sh
# SPDX-License-Identifier: MIT
#
# README.md says what is: its blocks stand in the files that they name, its commands and links lead
# somewhere, and what it calls by a name of lend has that name.
set -eu
checks=$LEND_SOURCE_DIR/tests/checks
cd "$LEND_SOURCE_DIR"

# exists PLACE PATH: in the tree, or as a program that the tree builds
exists() {
    case $2 in
    build/*) [ -e "${2#build/}.c" ] || echo "$1: nothing builds $2" ;;
    *) [ -e "$2" ] || echo "$1: there is no $2" ;;
    esac
}

blocks() {
    awk -v build="$LEND_BUILD_DIR" -f "$checks/blocks.awk" README.md | while read -r kind place text; do
        if [ "$kind" = FINDING ]; then
            echo "$place $text"
            continue
        fi
        for word in $text; do
            case $word in
            build/* | examples/* | include/* | src/* | tests/*) exists "${place%:}" "$word" ;;
            esac
        done
    done
}

# quoted REGEX: what stands between back quotes and matches, as FILE:LINE TEXT
quoted() {
    awk -v wanted="^($1)\$" '{
        n = split($0, part, "`")
        for (i = 2; i < n; i += 2)
            if (part[i] ~ wanted)
                print "README.md:" FNR, part[i]
    }' README.md
}

names() {
    quoted '(lend|LEND)_[A-Za-z0-9_]+' | while read -r place name; do
        grep -qw "$name" include/lend/*.h CMakeLists.txt tests/CMakeLists.txt ||
            echo "$place: nothing is called $name"
    done
    quoted '(build|examples|include|src|tests)/[A-Za-z0-9_./-]*' | while read -r place path; do
        exists "$place" "$path"
    done
}

links() {
    grep -noE '\]\([^)#]+' README.md | grep -v '://' | sed 's/\](//' |
        while IFS=: read -r line path; do exists "README.md:$line" "$path"; done
}

found=$(blocks; names; links)
[ -z "$found" ] || { printf '%s\n' "$found"; exit 1; }
