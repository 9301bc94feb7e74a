#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Ctrl-C stops the taking of files, lets finish what runs and prints what was done; a second one
# exits at once. Nothing waits for a fixed time: each step waits for something that can be seen.
. "$(dirname "$0")/program.sh"

cut_headlines
python3 - "$program" one.pgm "$pages/eng_1.png" <<'END'
import fcntl, os, signal, subprocess, sys, termios, time

program, page, long_page = sys.argv[1:]
# The test runner may be one that ignores Ctrl-C, which children inherit.
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.alarm(200)  # what never comes ends the check


def start(*arguments, **streams):
    return subprocess.Popen([program, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                            **streams)


def wait_until(what, is_so):
    end = time.monotonic() + 60
    while not is_so():
        if time.monotonic() > end:
            sys.exit("failed: never so: " + what)
        time.sleep(0.002)


def read_exactly(stream, length):
    data = b""
    while len(data) < length:
        piece = os.read(stream.fileno(), length - len(data))
        if not piece:
            sys.exit("failed: the output ended after %r" % data)
        data += piece
    return data


def expect(what, got, wanted):
    if got != wanted:
        sys.exit("failed: %s: %r, not %r" % (what, got, wanted))


def signals_pending(process):
    with open("/proc/%d/status" % process.pid) as status:
        fields = dict(line.split(":\t", 1) for line in status)
    return int(fields["SigPnd"], 16) | int(fields["ShdPnd"], 16)


def read_by_program(path):
    return subprocess.run([program, path], stdout=subprocess.PIPE, check=True).stdout


one = read_by_program(page)


def stop_while_waiting_for_input(number):
    """Two pages are read and printed, the third is still to come on standard input."""
    process = start(page, page, "-", stdin=subprocess.PIPE)
    done = read_exactly(process.stdout, 2 * len(one) + 1)
    expect("what was done", done, one + b"\f" + one)
    process.send_signal(number)
    rest, errors = process.stdout.read(), process.stderr.read()  # standard input stays open
    expect("exit status", process.wait(), 128 + number)
    expect("what came after the signal", rest, b"")
    if b"2 of 3" not in errors or errors.count(b"\n") != 1:
        sys.exit("failed: it says %r" % errors)


def stop_among_many():
    """What is printed is a beginning of what would have been, in whole pages: the second page is
    under way while the first, a short one, is read and printed, and it is finished."""
    count, text = 41, read_by_program(long_page)
    process = start("-j", "2", "-q", "2", page, *[long_page] * (count - 1))
    done = read_exactly(process.stdout, len(one))
    process.send_signal(signal.SIGINT)
    rest, errors = process.communicate()
    expect("exit status", process.returncode, 130)
    pages = 1 + rest.count(b"\f")
    expect("what was printed", done + rest, b"\f".join([one] + [text] * (pages - 1)))
    if not 2 <= pages < count:
        sys.exit("failed: %d of %d pages were printed" % (pages, count))
    if b"%d of " % pages not in errors:
        sys.exit("failed: %d pages were printed, it says %r" % (pages, errors))
    print("of %d pages %d were read: %s" % (count, pages, errors.decode().strip()))


def second_signal(first, second):
    """It hangs in a write that nobody takes: the first signal cannot end it, the second does."""
    process = start("-f", "hocr", long_page)  # more than fits into the pipe
    size = fcntl.fcntl(process.stdout, 1031, 4096)  # F_SETPIPE_SZ

    def pipe_is_full():
        held = bytearray(4)
        fcntl.ioctl(process.stdout, termios.FIONREAD, held)
        return int.from_bytes(held, sys.byteorder) == size

    wait_until("the pipe is full", pipe_is_full)
    process.send_signal(first)
    wait_until("the first signal has been taken", lambda: signals_pending(process) == 0)
    expect("after the first signal", process.poll(), None)
    process.send_signal(second)
    expect("exit status after the second signal", process.wait(timeout=30), 128 + second)


stop_while_waiting_for_input(signal.SIGINT)
stop_while_waiting_for_input(signal.SIGTERM)
stop_among_many()
second_signal(signal.SIGINT, signal.SIGINT)
second_signal(signal.SIGINT, signal.SIGTERM)
second_signal(signal.SIGTERM, signal.SIGINT)

# A shell that runs it in the background has Ctrl-C ignored, and that is kept.
process = start(page, "-", stdin=subprocess.PIPE,
                preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN))
read_exactly(process.stdout, len(one))
process.send_signal(signal.SIGINT)
with open(page, "rb") as picture:
    rest, errors = process.communicate(picture.read())
expect("exit status with Ctrl-C ignored", process.returncode, 0)
expect("output with Ctrl-C ignored", rest, b"\f" + one)
END
