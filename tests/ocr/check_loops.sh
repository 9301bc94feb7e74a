#!/bin/sh
# SPDX-License-Identifier: MIT
#
# The event loops read pages and beat on: late by more than 10 ms in less than one beat of a
# thousand, and gone at Ctrl-C. Their threads are marked as ones that must not block, so a call of
# lend that did would show as a failure. On a machine that has other things to do, lateness says
# nothing: then only the rest is checked.
. "$(dirname "$0")/program.sh"

# Their last line, as: PAGES FAILED BEATS LATE
figures() {
    sed -n 's/^\([0-9]*\) pages read, \([0-9]*\) failed, .*; \([0-9]*\) beats, \([0-9]*\) late .*/\1 \2 \3 \4/p' out
}

is_busy() {
    awk -v cores="$(nproc)" '{ exit !($1 > cores + 1) }' /proc/loadavg
}

beats_on() {
    tries=3
    while :; do
        expect_status 0 "$1" 6 "$pages"/*.png
        set -- "$1" $(figures)
        [ "$3" -eq 0 ] || fail "${1##*/}: $(cat out err)"
        [ "$2" -ge 1 ] || is_busy || fail "${1##*/} has read nothing: $(cat out err)"
        [ $(($5 * 1000)) -lt "$4" ] && return
        tries=$((tries - 1))
        [ $tries -gt 0 ] || break
    done
    is_busy || fail "${1##*/} was late: $(cat out)"
    late="$late ${1##*/}: $(cat out)"
}

# Pages of more than 1 MiB, and as many of them as are named.
reads_whole_files() {
    expect_status 1 "$1" 1 $many missing.pgm
    grep -q '^missing.pgm: ' err || fail "${1##*/} has not looked at the last of its files: $(cat out err)"
    expect_status 1 "$1" 1 too-large.pgm
    grep -q '^too-large.pgm: it is larger than 64 MiB$' err ||
        fail "${1##*/} does not name the limit: $(cat out err)"
    expect_status 0 "$1" 1 white.pgm
}

ends_at_interrupt() {
    "$1" 600 "$pages"/*.png >out 2>err &
    child=$!
    # Again and again: before it looks for it, a signal may be lost. A process that has ended has no files.
    while [ -n "$(ls /proc/$child/fd 2>/dev/null)" ]; do
        sleep 1
        kill -INT $child 2>/dev/null || true
    done
    status=0
    wait $child || status=$?
    [ $status -eq 0 ] && [ -n "$(figures)" ] || fail "${1##*/} at Ctrl-C: $status: $(cat out err)"
}

head -c $((1100 * 1100)) /dev/zero | tr '\0' '\377' >white
(printf 'P5 1100 1100 255\n' && cat white) >white.pgm
many=$(yes white.pgm | head -n 65)
truncate -s $((64 * 1024 * 1024 + 1)) too-large.pgm

late=
for loop in "$LEND_BUILD_DIR/examples/loop-epoll" "$LEND_BUILD_DIR/examples/loop-uv"; do
    [ -e "$loop" ] || continue
    reads_whole_files "$loop"
    beats_on "$loop"
    ends_at_interrupt "$loop"
done
[ -z "$late" ] || skip "the machine is busy:$late"
