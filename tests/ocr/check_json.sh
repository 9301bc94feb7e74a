#!/bin/sh
# SPDX-License-Identifier: MIT
#
# -f json: one object per line, page and failure, with the promised fields, whose values agree with
# the text and TSV of the same page.
. "$(dirname "$0")/program.sh"

name=$(printf 'a "quoted"\tname \\ \351.png') # one byte of it is not UTF-8
cp "$pages/eng_1.png" "$name"
expect_status 0 "$program" "$name" "$pages/eng_2.png"
mv out text
expect_status 0 "$program" -f tsv "$name" "$pages/eng_2.png"
mv out tsv
expect_status 1 "$program" -f json "$name" missing.png "$pages/eng_2.png"

python3 - "$pages/eng_2.png" <<'END'
import json, struct, sys

FIELDS = ["file", "page", "width", "height", "confidence", "text", "words", "ms"]
WORD_FIELDS = ["text", "x", "y", "w", "h", "confidence"]


def expect(what, got, wanted):
    if got != wanted:
        sys.exit("failed: %s: %r, not %r" % (what, got, wanted))


with open("out", encoding="utf-8") as out:
    lines = [json.loads(line) for line in out.read().splitlines()]
expect("lines", len(lines), 3)
first, missing, second = lines
expect("fields of a failure", list(missing), ["file", "error"])
expect("its file", missing["file"], "missing.png")
expect("its error", bool(missing["error"]), True)
expect("a file that is not UTF-8", first["file"], 'a "quoted"\tname \\ \ufffd.png')
expect("the other", second["file"], sys.argv[1])

with open("text", encoding="utf-8") as text:
    texts = text.read().split("\f")
with open("tsv", encoding="utf-8") as tsv:
    rows = [row.split("\t") for row in tsv.read().splitlines()[1:]]
for number, page in enumerate((first, second)):
    expect("fields", list(page), FIELDS)
    expect("page", page["page"], 1)
    expect("text", page["text"], texts[number])
    with open(page["file"] if number == 1 else sys.argv[1][:-5] + "1.png", "rb") as picture:
        size = struct.unpack(">II", picture.read(24)[16:])
    expect("size", (page["width"], page["height"]), size)
    if not page["ms"] > 0:
        sys.exit("failed: ms is %r" % page["ms"])
    words = page["words"]
    wanted = [row for row in rows if row[0] == "5" and row[1] == str(number + 1)]
    expect("words", [word["text"] for word in words], [row[11] for row in wanted])
    for word, row in zip(words, wanted):
        expect("fields of a word", list(word), WORD_FIELDS)
        expect("box", [word[side] for side in "xywh"], [int(side) for side in row[6:10]])
        if abs(word["confidence"] - float(row[10])) > 0.01:
            sys.exit("failed: confidence %r, %s" % (word["confidence"], row[10]))
    mean = sum(word["confidence"] for word in words) / len(words)
    if abs(mean - page["confidence"]) > 0.1:
        sys.exit("failed: page confidence %r, of the words %r" % (page["confidence"], mean))
END

# In a folder, each file has its own object, and so has a failure.
expect_status 1 "$program" -f json -o results "$pages/eng_2.png" missing.png
python3 -c '
import json
assert json.load(open("results/eng_2.json"))["page"] == 1
assert list(json.load(open("results/missing.json"))) == ["file", "error"]
' || fail "the objects in a folder"

# A failure takes nobody's place: not when its file has the name of one that was read, nor when that
# one could not even be opened. And a place that a failure has is not free any more.
mkdir one two
cp "$pages/eng_2.png" one/same.png
cp "$pages/eng_2.png" two/same.png
expect_status 1 "$program" -f json -o clash one/same.png two/same.png missing/same.png \
    missing/other.png missing/too/other.png
[ "$(ls clash | tr '\n' ' ')" = "other.json same.json " ] || fail "in the folder: $(ls clash)"
python3 -c '
import json
same, other = (json.load(open("clash/%s.json" % name)) for name in ("same", "other"))
assert same["file"] == "one/same.png" and same["page"] == 1, same
assert other["file"] == "missing/other.png" and other["error"], other
' || fail "a failure took the place of a result"
[ "$(wc -l <err)" -eq 4 ] || fail "not each failure is told: $(cat err)"

# Where failures are not printed, a file that cannot be opened has no place to take.
expect_status 1 "$program" -o texts missing/same.png one/same.png
[ -s texts/same.txt ] || fail "a missing file took the place of a result: $(cat err)"
