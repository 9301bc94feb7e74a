#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Text is byte for byte that of the tesseract command: of each file on its own, and of several files
# that of `tesseract LIST -`.
. "$(dirname "$0")/program.sh"

# read_with_command LANGUAGE FOLDER FILE...: two at a time, NAME.txt for each into FOLDER.
read_with_command() {
    language=$1 folder=$2
    shift 2
    mkdir -p "$folder"
    printf '%s\n' "$@" | xargs -P 2 -I FILE sh -c '
        name=$(basename "$3")
        tesseract "$3" - -l "$1" 2>/dev/null >"$2/${name%.*}.txt"' sh "$language" "$folder" FILE
}

# compare LANGUAGE FILE...
compare() {
    language=$1
    shift
    rm -rf wanted
    read_with_command "$language" wanted "$@"
    separator=
    for file in "$@"; do
        name=$(basename "$file")
        printf "$separator"
        cat "wanted/${name%.*}.txt"
        separator='\f'
    done >wanted.all
    expect_status 0 "$program" -l "$language" -j 2 "$@"
    expect_same wanted.all out "not the same as tesseract FILE -"
    echo "$# files in $language: equal"
}

# compare_list FILE...
compare_list() {
    printf '%s\n' "$@" >list
    tesseract list - 2>/dev/null >wanted.list
    expect_status 0 "$program" "$@"
    expect_same wanted.list out "not the same as tesseract LIST -"
    echo "a list of $#: equal"
}

# compare_with OPTION...: options that the command has too.
compare_with() {
    tesseract "$pages/eng_1.png" - "$@" 2>/dev/null >wanted.options
    expect_status 0 "$program" "$@" "$pages/eng_1.png"
    expect_same wanted.options out "not the same as tesseract FILE - $*"
    echo "$*: equal"
}

compare eng "$pages"/eng_*.png
compare_with --psm 6
compare_with --psm 11 --dpi 300
compare_with -l chi_sim+eng
compare chi_sim "$pages"/chi_*.png
if [ -d "$receipts" ] && [ -d "$scans" ]; then
    if [ -n "$LEND_SANITIZE" ]; then
        echo "with sanitizers: only some of the receipts"
        compare eng "$receipts"/1?[37].jpg "$scans"/*.tif
    else
        compare eng "$receipts"/*.jpg "$scans"/*.tif
    fi
    compare_list "$scans"/*.tif "$pages"/eng_1.png "$scans"/phototest.tif
else
    compare_list "$pages"/eng_*.png "$pages"/eng_1.png
    echo "no scans in $LEND_TEST_DATA: only the sample pages were compared"
fi
