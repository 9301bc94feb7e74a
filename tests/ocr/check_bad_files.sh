#!/bin/sh
# SPDX-License-Identifier: MIT
#
# A bad file is one line on stderr with its name and the reason; the others are read; the exit
# status is 1. Lines come in the order of the arguments, too.
. "$(dirname "$0")/program.sh"
cut_headlines
page=one.pgm
expect_status 0 "$program" "$page"
mv out page.wanted

: >empty.png
printf 'no picture at all, however long one looks at it' >words.png
head -c 4000 "$page" >cut.pgm
mkdir -p none
ln -s nowhere dangling.png
escape=$(printf 'two\nlines\033[31m.png')
cp words.png "$escape"

control=$(printf 'c1\302\2332J\302\200\302\237.png') # an escape sequence begins with one of these
letter=$(printf 'caf\303\251\302\240.png') # these are letters
cp words.png "$control"
cp words.png "$letter"

expect_status 1 "$program" missing.png "$page" empty.png words.png cut.pgm none dangling.png \
    "$escape" "$control" "$letter"
expect_same page.wanted out "the good page is not all that was printed"
cut -d : -f 1-2 err >named
cat >named.wanted <<END
lend-ocr: missing.png
lend-ocr: empty.png
lend-ocr: words.png
lend-ocr: cut.pgm
lend-ocr: none
lend-ocr: dangling.png
lend-ocr: two?lines?[31m.png
lend-ocr: c1?2J??.png
lend-ocr: $letter
END
expect_same named.wanted named "not one line for each bad file, in order"
if grep -vq '^lend-ocr: [^:]*: ..*' err; then
    fail "a line without a reason: $(cat err)"
fi

# None good, and one bad among many good ones.
expect_status 1 "$program" missing.png
[ ! -s out ] || fail "a missing file printed something"
expect_status 1 "$program" "$page" "$page" missing.png "$page"
{ cat page.wanted; printf '\f'; cat page.wanted; printf '\f'; cat page.wanted; } >wanted
expect_same wanted out "the bad file left a trace among the good ones"

# JSON has a line for it, in its place.
expect_status 1 "$program" -f json missing.png "$page" empty.png
[ "$(wc -l <out)" -eq 3 ] || fail "JSON has not three lines"
sed -n 1p out | grep -q '^{"file":"missing.png","error":"..*"}$' || fail "$(sed -n 1p out)"
sed -n 3p out | grep -q '^{"file":"empty.png","error":"..*"}$' || fail "$(sed -n 3p out)"

# Too large, too slow.
expect_status 1 "$program" --max-pixels 1000 "$page"
grep -q '^lend-ocr: one.pgm: .*1000' err || fail "the limit is not named: $(cat err)"
expect_status 1 "$program" --deadline 1 "$pages/eng_1.png" "$pages/eng_2.png"
[ "$(grep -c 'deadline' err)" -eq 2 ] || fail "the deadline is not named: $(cat err)"
expect_status 0 "$program" --deadline 100000 "$page" "$page"
truncate -s 65M large.png
expect_status 1 "$program" large.png
grep -q '^lend-ocr: large.png: .*64 MiB' err || fail "the limit is not named: $(cat err)"

# The folder for results: never two files into one, and no results of bad files.
cp "$page" same.png
cp "$page" same.jpg
expect_status 1 "$program" -o results same.png words.png same.jpg same.png "$page"
[ "$(ls -A results | tr '\n' ' ')" = "one.txt same.txt " ] || fail "results: $(ls -A results)"
expect_same page.wanted results/same.txt "the first of two files with one name is not what is kept"
[ "$(grep -c 'same.*results/same.txt' err)" -eq 2 ] || fail "the clash is not told: $(cat err)"
if [ "$(id -u)" -ne 0 ]; then
    mkdir -m 555 sealed
    expect_status 1 "$program" -o sealed "$page"
    grep -q 'sealed/one.txt: ' err || fail "the folder is not named: $(cat err)"
fi
mkdir -p taken/one.txt
expect_status 1 "$program" -o taken "$page"
grep -q 'taken/one.txt: ' err || fail "the result that cannot be written is not named: $(cat err)"
[ "$(ls -A taken)" = one.txt ] || fail "something was left behind: $(ls -A taken)"
