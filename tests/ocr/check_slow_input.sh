#!/bin/sh
# SPDX-License-Identifier: MIT
#
# A picture that arrives slowly holds up nothing but itself: what comes before it is printed
# meanwhile, and what is done behind it waits for it.
. "$(dirname "$0")/program.sh"

cut_headlines
expect_status 0 "$program" one.pgm
mv out one
expect_status 0 "$program" two.pgm
mv out two
expect_status 0 "$program" - <one.pgm
expect_same one out "from standard input, another text is read"
cat one.pgm | "$program" - >out || fail "a pipe on standard input: exit status $?"
expect_same one out "from a pipe, another text is read"
mkfifo fifo
cat two.pgm >fifo &
expect_status 0 "$program" fifo
expect_same two out "from a named pipe, another text is read"
wait
expect_status 0 "$program" -o results - <one.pgm
expect_same one results/stdin.txt "the result of standard input is not stdin.txt"

python3 - "$program" one.pgm two.pgm <<'END'
import os, subprocess, sys

program, page, slow = sys.argv[1:]
with open("one", "rb") as one, open("two", "rb") as two, open(slow, "rb") as picture:
    one, two, picture = one.read(), two.read(), picture.read()
process = subprocess.Popen([program, page, page, "-", page], stdin=subprocess.PIPE,
                           stdout=subprocess.PIPE)
got = b""
for piece in (b"", picture[:1000], picture[1000:20000], picture[20000:]):
    process.stdin.write(piece)
    process.stdin.flush()
    while len(got) < len(one) * 2 + 1:  # it ends by the time limit if they never come
        got += os.read(process.stdout.fileno(), 65536)
    if got != one + b"\f" + one:
        sys.exit("failed: before the slow picture there was %r" % got)
got += process.communicate()[0]  # which closes its input
if got != b"\f".join([one, one, two, one]) or process.returncode != 0:
    sys.exit("failed: with the slow picture, %r, %d" % (got, process.returncode))

# A named pipe that nobody has opened for writing yet.
os.mkfifo("later")
process = subprocess.Popen([program, page, "later"], stdout=subprocess.PIPE)
got = b""
while len(got) < len(one):
    got += os.read(process.stdout.fileno(), 65536)
with open("later", "wb") as later:
    later.write(picture)
got += process.communicate()[0]
if got != one + b"\f" + two or process.returncode != 0:
    sys.exit("failed: with a named pipe that is late, %r, %d" % (got, process.returncode))
END
