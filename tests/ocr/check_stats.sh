#!/bin/sh
# SPDX-License-Identifier: MIT
#
# --stats: the figures of files, pool and executor at the end, on stderr, and they add up.
. "$(dirname "$0")/program.sh"
cut_headlines
printf 'no picture' >words.png

expect_status 1 "$program" -j 2 one.pgm missing.png words.png two.pgm
mv out plain
expect_status 1 "$program" -j 2 --stats one.pgm missing.png words.png two.pgm
expect_same plain out "--stats changes what is printed"

# figure PART NAME WANTED: the line NAME in the part.
figure() {
    got=$(sed -n "/^$1\$/,/^[^ ]/p" err | sed -n "s/^  $2  *//p")
    case $got in
    $3) ;;
    *) fail "$1, $2: '$got' is not $3: $(cat err)" ;;
    esac
}

figure files read '2  2 pages in *'
figure files failed 2
figure pool models '2  2 free, 0 lent, 0 loading, 0 retiring, 0 lost'
figure pool loads '2  0 loads failed, 0 models found broken'
figure pool leases '3  *'
figure pool holds '3  *'
figure executor workers '2  0 running, 0 borrowing, 0 queued'
figure executor jobs '3  2 succeeded, 1 failed, 0 without a model, 0 cancelled, 0 expired'
figure executor overran '0  *'
figure executor runs '3  *'
