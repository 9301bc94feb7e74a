#!/bin/sh
# SPDX-License-Identifier: MIT
#
# The same bytes come out with 1, 2 and 8 models, in shuffled order, and the second time round; and
# always in the order of the arguments.
. "$(dirname "$0")/program.sh"

set -- "$pages"/eng_1.png "$pages"/eng_2.png
if [ -n "$LEND_SANITIZE" ]; then
    echo "with sanitizers: only sample pages"
elif [ -d "$receipts" ] && [ -n "${LEND_TEST_LONG:-}" ]; then
    set -- "$1" "$receipts"/149.jpg "$receipts"/161.jpg "$2" "$receipts"/155.jpg \
        "$receipts"/131.jpg "$scans"/phototest.tif "$scans"/eurotext.tif
elif [ -d "$receipts" ]; then
    set -- "$1" "$receipts"/149.jpg "$receipts"/161.jpg "$scans"/phototest.tif "$2"
else
    echo "no scans in $LEND_TEST_DATA: only sample pages"
fi

# The long one first, so that those behind it are done before it is.
expect_status 0 "$program" -j 1 "$@"
mv out one
for models in 2 8; do
    expect_status 0 "$program" -j "$models" "$@"
    expect_same one out "$models models read something else than one"
done
expect_status 0 "$program" -j 2 -q 1 "$@"
expect_same one out "a second time, with a short queue, something else is read"

# Shuffled: as many different orders as there are files. Each file's text is its own.
expect_status 0 "$program" -j 2 -o straight "$@"
orders=$#
while [ "$orders" -gt 0 ]; do
    first=$1
    shift
    set -- "$@" "$first"
    orders=$((orders - 3))
    separator=
    for file in "$@"; do
        name=$(basename "$file")
        printf "$separator"
        cat "straight/${name%.*}.txt"
        separator='\f'
    done >wanted
    expect_status 0 "$program" -j 2 "$@"
    expect_same wanted out "in another order, something else is read"
done
