#!/bin/sh
# SPDX-License-Identifier: MIT
#
# The progress bar: on stderr while that is a terminal, nothing otherwise, and never in the way of
# what else the terminal shows.
. "$(dirname "$0")/program.sh"
cut_headlines
page=one.pgm

expect_status 0 "$program" "$page" "$page"
[ ! -s err ] || fail "stderr is no terminal and got: $(cat err)"

python3 -c 'import pty; pty.openpty()' 2>/dev/null || skip "this machine has no terminals (/dev/pts)"

python3 - "$program" "$page" two.pgm <<'END'
import fcntl, os, pty, re, struct, subprocess, sys, termios

program, one, two = sys.argv[1:]


def run_on_terminal(arguments, columns, output_too):
    """Returns what the terminal got, and what came on standard output if that is another."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    process = subprocess.Popen([program, *arguments], stdin=subprocess.DEVNULL, stderr=slave,
                               stdout=slave if output_too else open("output", "wb"))
    os.close(slave)
    got = b""
    while True:
        try:
            piece = os.read(master, 65536)
        except OSError:  # the last one has closed it
            break
        if not piece:
            break
        got += piece
    process.wait()
    return process.returncode, got.decode()


def rows_shown(got, columns):
    """The rows that such a terminal shows in the end. Fails if a row is longer than it is wide."""
    rows, row, column = [], [], 0
    for character in got:
        if character == "\r":
            column = 0
        elif character in "\n\f":
            rows.append("".join(row).rstrip())
            row, column = [], 0
        else:
            if column >= columns:
                sys.exit("failed: a row is longer than %d: %r" % (columns, "".join(row)))
            row[column:column + 1] = character
            column += 1
    return rows + ["".join(row).rstrip()]


def expect(what, got, wanted):
    if got != wanted:
        sys.exit("failed: %s: %r, not %r" % (what, got, wanted))


bar = re.compile(r"\[#*-*\]  (\d+)/(\d+)")
texts = [subprocess.run([program, file], stdout=subprocess.PIPE, check=True).stdout
         for file in (one, two)]

# Only stderr is a terminal.
status, got = run_on_terminal([one, two, one, two], 80, output_too=False)
expect("exit status", status, 0)
counts = bar.findall(got)
if not counts:
    sys.exit("failed: no bar: %r" % got)
if any(total != "4" or int(done) > 4 for done, total in counts):
    sys.exit("failed: the bar counts %r of 4 files" % counts)
if [int(done) for done, total in counts] != sorted(int(done) for done, total in counts):
    sys.exit("failed: the bar goes back: %r" % counts)
expect("what is left on the terminal", [row for row in rows_shown(got, 80) if row], [])
expect("standard output", open("output", "rb").read(),
       b"\f".join([texts[0], texts[1], texts[0], texts[1]]))

# Both are, and there is a message as well.
status, got = run_on_terminal([one, "missing.png", two], 200, output_too=True)
expect("exit status", status, 1)
if not bar.search(got):
    sys.exit("failed: no bar among results")
wanted = texts[0] + b"lend-ocr: missing.png: No such file or directory\n\f" + texts[1]
wanted = [row.rstrip() for row in re.split("[\n\f]", wanted.decode())]
expect("the rows shown", rows_shown(got, 200), wanted)

# A narrow terminal: what does not fit is left out, nothing wraps.
for columns in (30, 12, 2, 1):
    status, got = run_on_terminal([one, two], columns, output_too=False)
    expect("exit status", status, 0)
    expect("what is left", [row for row in rows_shown(got, columns) if row], [])
END

# Rate and time left are there once they mean something, and go on while it waits for input.
python3 - "$program" "$page" <<'END'
import os, pty, re, subprocess, sys

program, page = sys.argv[1:]
master, slave = pty.openpty()
process = subprocess.Popen([program, "-j", "1", page, page, page, page, page, page, "-"],
                           stdin=subprocess.PIPE, stderr=slave, stdout=subprocess.DEVNULL)
os.close(slave)
got = ""
while not re.search(r"\]  6/7   \d+\.\d pages/s   \d+:\d\d left", got):
    got += os.read(master, 65536).decode()  # ends the test by its time limit if it never comes
process.stdin.close()
while True:
    try:
        os.read(master, 65536)
    except OSError:
        break
if process.wait() != 1:
    sys.exit("failed: exit status %d with nothing on standard input" % process.returncode)
END
