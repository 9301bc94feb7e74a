#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Files made to hurt: each is a clear error within a second and under 300 MB of memory, and the next
# page is read as ever. Time is counted in the processor's seconds, so that a busy machine is not
# an error.
. "$(dirname "$0")/program.sh"

cut_headlines
python3 - "$program" one.pgm "$pages/eng_1.png" "$hostile" <<'END'
import os, struct, subprocess, sys, zlib

program, page, png_file, hostile = sys.argv[1:]
sanitized = bool(os.environ.get("LEND_SANITIZE"))


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width, height, rows, row):
    """A grey PNG of so many equal rows, compressed without holding them."""
    packer = zlib.compressobj(1)
    data = b"".join(packer.compress(row) for _ in range(rows)) + packer.flush()
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data)
            + chunk(b"IEND", b""))


def tiff(pages, after_last, width=8, height=8):
    """A bilevel TIFF of so many pages; the last one names the page at index `after_last`, if any,
    as its successor."""
    entries = [(256, 3, width), (257, 3, height), (258, 3, 1), (259, 3, 1), (262, 3, 1),
               (273, 4, 8), (277, 3, 1), (278, 3, height), (279, 4, 8)]
    length = 2 + 12 * len(entries) + 4
    offsets = [16 + i * length for i in range(pages)]
    data = b"II*\0" + struct.pack("<I", offsets[0]) + b"\xff" * 8
    for i in range(pages):
        data += struct.pack("<H", len(entries))
        for tag, kind, value in entries:
            data += struct.pack("<HHII", tag, kind, 1, value)
        following = offsets[i + 1] if i + 1 < pages else None
        if following is None:
            following = offsets[after_last] if after_last is not None else 0
        data += struct.pack("<I", following)
    return data


def unfolding_png():
    """Text chunks of 7 kB that become 7 MB each, before and after a small white picture."""
    text = chunk(b"zTXt", b"k\0\0" + zlib.compress(b"A" * 7000000))
    head = png(9, 9, 9, b"\0" + b"\xff" * 9)
    return head[:33] + text * 60 + head[33:-12] + text * 60 + head[-12:]


def jbig_tiff():
    """libtiff's codec for this ends the process: such a size does it say it has inside."""
    side = 0xfffffff0
    pixels = struct.pack(">BBBBIIIBBBB", 0, 0, 1, 0, side, side, 2, 8, 0, 0, 0) + bytes(40)
    entries = [(256, 64), (257, 64), (258, 8), (259, 34661), (262, 2), (273, 8), (277, 3),
               (278, 64), (279, len(pixels))]
    return (b"II*\0" + struct.pack("<I", 8 + len(pixels)) + pixels
            + struct.pack("<H", len(entries))
            + b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in entries)
            + bytes(4))


def tagged_tiff(count, length):
    """White, and has so many fields more, which are all the same bytes."""
    entries = [(256, 4, 1, 8), (257, 4, 1, 8), (258, 4, 1, 8), (262, 4, 1, 1), (273, 4, 1, 8),
               (279, 4, 1, 64)] + [(40000 + i, 1, length, 8) for i in range(count)]
    return (b"II*\0" + struct.pack("<I", 8 + length) + b"\xff" * length
            + struct.pack("<H", len(entries))
            + b"".join(struct.pack("<HHII", *entry) for entry in entries) + bytes(4))


def painted_tiff():
    """Colours, and a palette as if they were its numbers: the engine falls over both together."""
    entries = [(256, 4, 1, 8), (257, 4, 1, 8), (258, 4, 1, 8), (262, 4, 1, 2), (273, 4, 1, 8),
               (277, 4, 1, 3), (279, 4, 1, 192), (320, 3, 768, 8)]
    return (b"II*\0" + struct.pack("<I", 8 + 1536) + bytes(1536)
            + struct.pack("<H", len(entries))
            + b"".join(struct.pack("<HHII", *entry) for entry in entries) + bytes(4))


def bits(*numbers):
    """Pairs of a number and its length, lowest bits first."""
    whole = length = 0
    for number, count in numbers:
        whole |= number << length
        length += count
    return whole.to_bytes((length + 7) // 8, "little")


def single(symbol):
    """A code of this one symbol, which takes no bits."""
    return (1, 2), (1, 1), (symbol, 8)


def lossless(width, height):
    """One colour, without a bit of its own for any pixel."""
    return bits((0x2f, 8), (width - 1, 14), (height - 1, 14), (0, 7), *single(0), *single(0),
                *single(255), *single(255), (1, 4))


def two_faced_webp():
    """By its parts it is a picture of 10 x 10; but the first of them is one of 16384 x 16384."""
    large, small = lossless(16384, 16384), lossless(10, 10)
    length, = struct.unpack("<I", large[4:8])
    parts = (large + bytes(length + length % 2 + 8 - len(large)) + b"VP8L"
             + struct.pack("<I", len(small)) + small + bytes(len(small) % 2))
    return b"RIFF" + struct.pack("<I", 4 + len(parts)) + b"WEBP" + parts


with open(png_file, "rb") as file:
    good = file.read()

made = {
    "huge.png": png(20000, 20000, 20000, bytes(20001)),
    "wide.png": png(40000, 1, 1, bytes(40001)),
    "lies-about-size.png": png(30000, 3000, 1, bytes(30001)),
    "damaged.png": good[:200] + bytes(b ^ 0x55 for b in good[200:4000]) + good[4000:],
    "cut.png": good[:len(good) // 2],
    "only-a-header.png": good[:33],
    "no-size.png": png(0, 0, 1, b"\0"),
    "cut.jpg": b"\xff\xd8\xff\xe0\0\x10JFIF\0\1\1\0\0\1\0\1\0\0",
    "huge.jpg": b"\xff\xd8\xff\xc0\0\x0b\x08\xff\xff\xff\xff\1\1\x11\0\xff\xd9",
    "ring.tif": tiff(1, 0),
    "long-ring.tif": tiff(3, 1),
    "many-pages.tif": tiff(1001, None),
    "huge.tif": tiff(1, None, 30000, 30000),
    "nowhere.tif": b"II*\0" + struct.pack("<I", 0x7fffffff),
    "cut.tif": tiff(1, None)[:40],
    "huge.pgm": b"P5 60000 60000 255\n",
    "overflowing.pgm": b"P5 4294967297 4294967297 255\n" + b"\0" * 100,
    "negative.pgm": b"P5 -1 -1 255\n" + b"\0" * 100,
    "cut.pgm": b"P5 5000 5000 255\n" + b"\0" * 100,
    "cut.webp": b"RIFF\xff\xff\xff\x7fWEBPVP8 \xff\xff\xff\x7f",
    "huge.bmp": b"BM" + struct.pack("<IHHIIiiHHIIiiII", 54, 0, 0, 54, 40, 60000, 60000, 1, 24, 0,
                                      0, 0, 0, 0, 0),
    "huge.gif": b"GIF89a\xff\xff\xff\xff\x80\0\0\0\0\0\xff\xff\xff,\0\0\0\0\xff\xff\xff\xff\0\2",
    "paths.txt": (os.path.abspath(page) + "\n").encode() * 3,
    "script.png": b"%!PS-Adobe-3.0\n(/etc/passwd) run\n",
    "document.pdf": b"%PDF-1.7\n" + b"\0" * 2000,
    "zeros.png": bytes(1 << 20),
    "empty.tif": b"",
    "jbig.tif": jbig_tiff(),
    "tags.tif": tagged_tiff(4000, 1 << 18),
    "painted.tif": painted_tiff(),
    "two-faced.webp": two_faced_webp(),
    "unfolds.png": unfolding_png(),
}
for name, data in made.items():
    with open(name, "wb") as file:
        file.write(data)
names = list(made) + ["https://example.org/page.png", "file:///etc/passwd", "stdin"]
readable = {"unfolds.png"}
if os.path.isdir(hostile):
    for name in sorted(os.listdir(hostile)):
        names.append(os.path.join(hostile, name))
        if name in ("one.png", "three.png"):  # tiny, but pictures: pages without text
            readable.add(names[-1])
else:
    print("no hostile files in the test data: only those made here")


def run(*arguments):
    with open("out", "wb") as out, open("err", "wb") as err:
        process = subprocess.Popen([program, "-j", "1", *arguments], stdout=out, stderr=err)
        _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    with open("out", "rb") as out, open("err", "rb") as err:
        return (process.returncode, out.read(), err.read().decode(),
                usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


status, wanted, _, page_seconds, page_mib = run(page)
if status != 0:
    sys.exit("failed: the good page is not read")
failures = 0
worst_seconds = worst_mib = 0
for name in names:
    status, got, errors, seconds, mib = run(name, page)
    seconds -= page_seconds
    worst_seconds, worst_mib = max(seconds, worst_seconds), max(mib, worst_mib)
    trouble = []
    if name in readable:
        if status != 0 or errors or not got.endswith(wanted):
            trouble.append("it is a picture and was not read as one")
    else:
        if status != 1:
            trouble.append("exit status %d" % status)
        if errors.count("\n") != 1 or not errors.startswith("lend-ocr: %s: " % name):
            trouble.append("not one line that names it")
        if got != wanted:
            trouble.append("the next page was not read as ever")
    if seconds > (10 if sanitized else 1):
        trouble.append("it took %.1f s" % seconds)
    if mib > 300 and not sanitized:
        trouble.append("it took %.0f MiB" % mib)
    if trouble:
        failures += 1
        print("failed: %s: %s\n  it said: %s" % (name, "; ".join(trouble), errors.strip()[:500]))
    elif errors:
        print(errors.strip())
print("%d files, at worst %.2f s and %.0f MiB; the page alone %.2f s and %.0f MiB" %
      (len(names), worst_seconds, worst_mib, page_seconds, page_mib))
sys.exit(failures > 0)
END
