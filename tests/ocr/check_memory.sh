#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Memory stays bounded: with 100,000 arguments, with more bytes in the files than the queue holds,
# and while results pile up behind a first file that is slow.
. "$(dirname "$0")/program.sh"
[ -z "$LEND_SANITIZE" ] || skip "memory is measured without sanitizers"

python3 - "$program" "$pages/eng_1.png" <<'END'
import os, subprocess, sys

program, page = sys.argv[1:]
MIB = 1 << 20


def peak(arguments, wanted_status):
    """The most memory it had at once, in bytes."""
    process = subprocess.Popen([program, *arguments], stdout=subprocess.DEVNULL,
                               stderr=open("err", "wb"))
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != wanted_status:
        sys.exit("failed: exit status %d" % process.returncode)
    return usage.ru_maxrss * 1024


def lines():
    with open("err", "rb") as err:
        return sum(1 for line in err)


def expect_at_most(what, more, limit):
    print("%s: %.1f MiB more, at most %d are allowed" % (what, more / MIB, limit // MIB))
    if more > limit:
        sys.exit("failed: " + what)


with open("n", "wb") as noise:
    noise.write(b"not a picture")
few = peak(["-j", "2", *["n"] * 100], 1)
many = peak(["-j", "2", *["n"] * 100000], 1)
if lines() != 100000:
    sys.exit("failed: %d lines on stderr for 100,000 bad files" % lines())
# The arguments themselves are 10 bytes each.
expect_at_most("100,000 bad files", many - few, 8 * MIB)

os.mkdir("folder")
for i in range(20000):
    os.link("n", "folder/a-name-of-some-length-%05d.png" % i)
expect_at_most("a folder of 20,000", peak(["-j", "2", "folder"], 1) - few, 8 * MIB)

with open("big", "wb") as big:
    big.write(b"x" * (4 * MIB))
much = peak(["-j", "2", "-q", "4", *["big"] * 1000], 1)
# Two are being looked at, four queue, one waits for room.
expect_at_most("1000 files of 4 MiB", much - few, (2 + 4 + 1) * 4 * MIB + 8 * MIB)

# The first file is a page; 2000 tiny pictures behind it are done before it is.
with open("tiny", "wb") as tiny:
    tiny.write(b"P5 3 3 255\n" + b"\xff" * 9)
base = peak(["-j", "2", page, *["tiny"] * 20], 0)
pile = peak(["-j", "2", page, *["tiny"] * 2000], 0)
expect_at_most("2000 results behind a slow one", pile - base, 8 * MIB)
END
