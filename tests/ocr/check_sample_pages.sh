#!/bin/sh
# SPDX-License-Identifier: MIT
#
# The sample pages read as what they were drawn from: of the English words at least 98 in 100, of
# the Chinese characters at least 95.
. "$(dirname "$0")/program.sh"

# compare LANGUAGE NAME SHARE
compare() {
    expect_status 0 "$program" -l "$1" "$pages/$2.png"
    python3 - "$1" "$pages/$2.txt" out "$3" <<'END' || fail "$2 reads badly"
import difflib, sys

language, wanted, got, share = sys.argv[1:]
def units(path):
    with open(path, encoding="utf-8") as file:
        words = file.read().split()
    return words if language == "eng" else list("".join(words))

wanted, got = units(wanted), units(got)
blocks = difflib.SequenceMatcher(None, wanted, got, autojunk=False).get_matching_blocks()
found = sum(block.size for block in blocks)
print("%s: %d of %d found, %d read" % (sys.argv[2].split("/")[-1], found, len(wanted), len(got)))
least = float(share) * len(wanted)
sys.exit(not (found >= least and found >= float(share) * len(got) and len(wanted) > 200))
END
}

compare eng eng_1 0.98
compare eng eng_2 0.98
compare chi_sim chi_1 0.95
compare chi_sim chi_2 0.95
