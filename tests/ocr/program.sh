# SPDX-License-Identifier: MIT
#
# Sourced by the checks of the program lend-ocr: where everything is, and how a check ends. A check
# runs in an empty folder of its own, which is gone afterwards.
set -eu
program=$LEND_BUILD_DIR/examples/lend-ocr
# shellcheck disable=SC2034  # used by those who source this, like the next ones
pages=$LEND_SOURCE_DIR/examples/pages
receipts=$LEND_TEST_DATA/receipts
scans=$LEND_TEST_DATA/pages
hostile=$LEND_TEST_DATA/hostile
export OMP_THREAD_LIMIT=1 # for the tesseract command; lend-ocr needs no such thing

skip() {
    printf 'skipped: %s\n' "$*"
    exit 77
}

fail() {
    printf 'failed: %s\n' "$*" >&2
    exit 1
}

# expect_status STATUS COMMAND...: run it, with its output in ./out and ./err.
expect_status() {
    wanted=$1
    shift
    status=0
    "$@" >out 2>err || status=$?
    [ "$status" -eq "$wanted" ] && return
    head -n 20 err >&2
    fail "exit status $status, not $wanted: $*"
}

# expect_same FILE FILE WHAT
expect_same() {
    cmp "$1" "$2" >&2 && return
    diff "$1" "$2" | head -n 20 >&2
    fail "$3"
}

# Make one.pgm and two.pgm, the headlines of two sample pages: pictures that take little time to
# read, but have something to be read.
cut_headlines() {
    python3 - "$pages/eng_1.png" one.pgm "$pages/eng_2.png" two.pgm <<'END'
import itertools, struct, sys, zlib

TOP, HEIGHT = 90, 80


def rows(png):
    """The rows of a PNG of 8 bits grey."""
    width, height, kind = struct.unpack(">II5s", png[16:29])
    assert kind == b"\x08\0\0\0\0", "not 8 bits grey"
    data, at = b"", 8
    while at < len(png):
        length, = struct.unpack(">I", png[at:at + 4])
        if png[at + 4:at + 8] == b"IDAT":
            data += png[at + 8:at + 8 + length]
        at += length + 12
    data, above = zlib.decompress(data), bytearray(width)
    for y in range(height):
        filtered = data[y * (width + 1) + 1:(y + 1) * (width + 1)]
        row = bytearray(width)
        left = corner = 0
        for x, up in enumerate(above):
            guess = left + up - corner
            nearest = min((left, up, corner), key=lambda value: abs(guess - value))
            row[x] = left = filtered[x] + (0, left, up, (left + up) // 2,
                                           nearest)[data[y * (width + 1)]] & 255
            corner = up
        yield bytes(row)
        above = row


for png, pgm in zip(sys.argv[1::2], sys.argv[2::2]):
    with open(png, "rb") as file:
        picture = list(itertools.islice(rows(file.read()), TOP, TOP + HEIGHT))
    with open(pgm, "wb") as file:
        file.write(b"P5 %d %d 255\n" % (len(picture[0]), HEIGHT) + b"".join(picture))
END
}

[ -x "$program" ] || skip "lend-ocr is not built"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
