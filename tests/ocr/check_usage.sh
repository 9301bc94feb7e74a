#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Bad usage is told in one line with a hint, nothing is printed on standard output, and the exit
# status is 2. What is asked for by --help and --version goes to standard output.
. "$(dirname "$0")/program.sh"
cut_headlines
page=one.pgm

# refused WORDS ARGUMENT...: WORDS have to be in the message.
refused() {
    words=$1
    shift
    expect_status 2 "$program" "$@"
    [ ! -s out ] || fail "it printed something: $*"
    [ "$(wc -l <err)" -le 2 ] || fail "more than a line and a hint: $*"
    head -n 1 err | grep -qF -e "$words" || fail "'$words' is not in: $(cat err)"
}

refused "nothing to read"
refused "nothing to read" --
refused "-x" -x "$page"
refused "--nonsense" --nonsense "$page"
refused "-l" -l
refused "--psm" "$page" --psm
refused "--stats" --stats=yes "$page"
for number in 0 -1 +1 ' 1' 1x '' 0x10 1.5 99999999999999999999999; do
    refused "-j" -j "$number" "$page"
    refused "-q" -q "$number" "$page"
    refused "--psm" "--psm=$number" "$page"
    refused "--dpi" "--dpi=$number" "$page"
    refused "--deadline" "--deadline=$number" "$page"
    refused "--max-pixels" "--max-pixels=$number" "$page"
done
refused "-j" -j 4097 "$page"
refused "--psm" --psm 2 "$page"
refused "--psm" --psm 14 "$page"
refused "--dpi" --dpi 69 "$page"
refused "--dpi" --dpi 2401 "$page"
refused "-f" -f pdf "$page"
refused "-o" -o '' "$page"
refused "$page" -o "$page" "$page"
refused "xyz" -l xyz "$page"
refused "xyz" -l eng+xyz "$page"

expect_status 0 "$program" --help
[ ! -s err ] || fail "--help prints to stderr"
grep -q '^usage: lend-ocr' out || fail "--help does not begin with the usage"
expect_status 0 "$program" -h
expect_status 0 "$program" --version
grep -qx 'lend-ocr [0-9]*\.[0-9]*\.[0-9]*' out || fail "--version says: $(cat out)"
expect_status 0 "$program" -V
if [ -w /dev/full ]; then
    status=0
    "$program" --help >/dev/full 2>err || status=$?
    [ "$status" -eq 1 ] || fail "--help to a full disk: exit status $status"
fi

# Options may follow files; after -- everything is a file.
expect_status 0 "$program" "$page" -f tsv
head -n 1 out | grep -q '^level' || fail "an option after a file is not heeded"
cp "$page" ./-f
expect_status 0 "$program" -- -f
[ -s out ] || fail "after -- a file that looks like an option is not read"
