# SPDX-License-Identifier: MIT
#
#     python3 branches.py BUILD SOURCES MINIMUM
#
# Which branches of the core the tests have taken, from gcov's data in a build with --coverage.
# Each of a conditional's ways counts, in every function of src/{base,sync,pool,exec}, inline ones
# too, taken in whatever object, the simulation's included: without optimisation all copies of a line
# have the same ways in the same order, so that the counts of a way can be added up. What the
# compiler adds for exceptions does not count, nor the way on which an assertion fails: LEND_ASSERT
# is the only mark there is. Prints each line with the ways not taken, from 0, and the figure for
# each file and for all; fails if that is less than MINIMUM per cent.
import collections
import gzip
import json
import os
import subprocess
import sys
import tempfile

FLOORS = ("base", "sync", "pool", "exec")


def notes(build):
    """Of all objects that the core's text is compiled into, and that are still there."""
    for part in ("src", "tests/CMakeFiles", "tests/sim"):
        for folder, _, names in os.walk(os.path.join(build, part)):
            yield from (os.path.join(folder, name) for name in names
                        if name.endswith(".gcno") and name[:-len("gcno")] + "o" in names)


def reports(build):
    """What gcov says of each object, one by one."""
    for note in notes(os.path.abspath(build)):
        with tempfile.TemporaryDirectory() as work:
            subprocess.run(
                ["gcov", "--json-format", "--branch-probabilities", "--object-file", note, note],
                cwd=work, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
            for name in os.listdir(work):
                with gzip.open(os.path.join(work, name)) as file:
                    yield json.load(file)


def ways(line):
    """The counts of the ways that the program chose among: a call's two are its return, and a throw."""
    chosen = []
    for branch in line["branches"]:
        if branch["throw"]:
            del chosen[-1:]
        else:
            chosen.append(branch["count"])
    return chosen


def collect(build, sources):
    """{file: {line: counts}}: summed over the objects that have the line."""
    root = os.path.join(os.path.abspath(sources), "src") + os.sep
    found = collections.defaultdict(dict)
    for report in reports(build):
        for file in report["files"]:
            path = os.path.normpath(os.path.join(report["current_working_directory"], file["file"]))
            if not path.startswith(root) or path[len(root):].split(os.sep)[0] not in FLOORS:
                continue
            lines = found[path[len(root):]]
            for line in file["lines"]:
                key = (line["line_number"], line.get("function_name", ""))
                here, before = ways(line), lines.get(key, [])
                longest = max(len(here), len(before))
                pad = lambda counts: counts + [0] * (longest - len(counts))
                lines[key] = [a + b for a, b in zip(pad(here), pad(before))]
    return root, found


def main(build, sources, minimum):
    root, found = collect(build, sources)
    all_taken = all_ways = 0
    for path in sorted(found):
        with open(root + path) as file:
            text = file.read().split("\n")
        taken = total = 0
        for (number, _), counts in sorted(found[path].items()):
            words = text[number - 1].strip()
            if len(counts) < 2 or "LEND_ASSERT" in words:
                continue
            total += len(counts)
            taken += sum(count > 0 for count in counts)
            if 0 in counts:
                missing = ", ".join(str(way) for way, count in enumerate(counts) if count == 0)
                print(f"src/{path}:{number}: {missing} of {len(counts)}: {words}")
        if total:
            print(f"src/{path}: {taken} of {total}")
        all_taken += taken
        all_ways += total
    share = 100 * all_taken / max(all_ways, 1)
    print(f"branches of the core: {all_taken} of {all_ways}: {share:.2f} %")
    return 0 if all_ways and share >= float(minimum) else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
