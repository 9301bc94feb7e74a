#!/bin/sh
# SPDX-License-Identifier: MIT
#
# TSV and hOCR are those of the tesseract command: the same words, boxes and confidences, and all
# the rest, of one file and of several.
. "$(dirname "$0")/program.sh"

# compare LANGUAGE FILE...
compare() {
    language=$1
    shift
    printf '%s\n' "$@" >list
    tesseract list wanted -l "$language" tsv hocr 2>/dev/null
    expect_status 0 "$program" -l "$language" -f tsv "$@"
    expect_same wanted.tsv out "TSV differs"
    expect_status 0 "$program" -l "$language" -f hocr "$@"
    expect_same wanted.hocr out "hOCR differs"
    echo "$# files in $language: equal, $(grep -c ocrx_word out) lines with words"
}

compare eng "$pages/eng_1.png"
compare chi_sim "$pages"/chi_*.png
if [ -d "$receipts" ] && [ -d "$scans" ]; then
    compare eng "$scans"/*.tif "$receipts"/119.jpg "$receipts"/149.jpg "$receipts"/161.jpg
else
    compare eng "$pages"/eng_*.png
    echo "no scans in $LEND_TEST_DATA: only the sample pages were compared"
fi
