#!/bin/sh
# SPDX-License-Identifier: MIT
#
# README.md says what is: its blocks stand in the files that they name, its commands and links lead
# somewhere, and what it calls by a name of lend has that name. So do the names, paths and links of
# the other two that are there to be read.
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

# quoted REGEX: what stands between back quotes in $document and matches, as FILE:LINE TEXT
quoted() {
    awk -v wanted="^($1)\$" '{
        n = split($0, part, "`")
        for (i = 2; i < n; i += 2)
            if (part[i] ~ wanted)
                print FILENAME ":" FNR, part[i]
    }' "$document"
}

# Names with or without what they are called with. Those that only tests know stand in tests/.
names() {
    places='include/lend CMakeLists.txt tests/CMakeLists.txt'
    [ "$folder" = . ] || places="$places tests"
    quoted '(lend|LEND)_[A-Za-z0-9_]+([(].*[)])?' | while read -r place name; do
        # shellcheck disable=SC2086  # a list on purpose
        grep -rqw --exclude='*.md' "${name%%(*}" $places || echo "$place: nothing is called $name"
    done
}

# From the top, from where the document lies, or as a header is included.
paths() {
    quoted '[a-z]+/[A-Za-z0-9_./-]*' | while read -r place path; do
        case $path in
        sys/*) ;; # not of lend
        build/*) exists "$place" "$path" ;;
        *) [ -e "$folder/$path" ] || [ -e "include/$path" ] || exists "$place" "$path" ;;
        esac
    done
}

links() {
    grep -noE '\]\([^)#]+' "$document" | grep -v '://' | sed 's/\](//' |
        while IFS=: read -r line path; do exists "$document:$line" "$folder/$path"; done
}

found=$(
    blocks
    for document in README.md tests/README.md tests/bench/README.md; do
        folder=$(dirname "$document")
        names
        paths
        links
    done
)
[ -z "$found" ] || { printf '%s\n' "$found"; exit 1; }
