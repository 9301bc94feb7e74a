#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Output that cannot be written: a reader that goes away ends the program quietly (141, as the shell
# counts a command that SIGPIPE ended); a full disk and a closed descriptor are told once, and 1.
. "$(dirname "$0")/program.sh"
cut_headlines
page=one.pgm

# A reader that takes nothing, with SIGPIPE as it is and ignored.
for setting in - ''; do
    trap "$setting" PIPE
    {
        status=0
        "$program" "$page" "$page" "$page" "$page" missing.png 2>err || status=$?
        echo "$status" >status
    } | :
    [ "$(cat status)" -eq 141 ] || fail "exit status $(cat status) after the reader went away"
    [ ! -s err ] || fail "not quiet: $(cat err)"
done
trap - PIPE

# A reader that takes one line and goes: the last picture arrives only when it is gone.
rm -f gone
{
    while [ ! -e gone ]; do sleep 0.05; done
    cat "$page"
} | {
    status=0
    "$program" "$page" - 2>err || status=$?
    echo "$status" >status
} | {
    head -n 1 >line
    exec <&-
    : >gone
}
[ "$(cat status)" -eq 141 ] || fail "exit status $(cat status) after head had its line"
[ -s line ] || fail "head got nothing"
[ ! -s err ] || fail "not quiet: $(cat err)"

if [ -w /dev/full ]; then
    for format in text tsv hocr json; do
        status=0
        "$program" -f "$format" "$page" "$page" >/dev/full 2>err || status=$?
        [ "$status" -eq 1 ] || fail "$format to a full disk: exit status $status"
        [ "$(cat err)" = "lend-ocr: standard output: No space left on device" ] ||
            fail "$format to a full disk: $(cat err)"
    done
fi

# The first file that is opened must not take the place of a closed standard output.
status=0
"$program" "$page" >&- 2>err || status=$?
[ "$status" -eq 1 ] || fail "closed standard output: exit status $status"
grep -q '^lend-ocr: standard output: ' err || fail "closed standard output: $(cat err)"
expect_status 0 "$program" "$page"
"$program" "$page" >all <&- 2>&- || fail "closed standard input and error: exit status $?"
expect_same out all "closed standard input and error change the result"
