# SPDX-License-Identifier: MIT
#
#     python3 flips.py BUILD SOURCES [--files PREFIX...] [--sample N] [--seed S]
#
# Does it matter which way the core branches? Each conditional jump in its assembly, as shipped, is
# made to jump always, and then never; the library is linked anew, and the tests are run on it until
# one fails: killed. Of those that none fails for, the ones whose source line says OPTIMISATION are
# as they should be, and what decides over an assertion cannot be otherwise; the rest are alive: a
# test is missing. BUILD is a build with shared libraries. Prints each that is alive.
import argparse
import concurrent.futures
import json
import os
import random
import re
import subprocess
import sys
import tempfile

JUMP = re.compile(r"^\tj(?!mp)[a-z]+\t(\S+)$")
PLACE = re.compile(r"^\t\.loc (\d+) (\d+)")
FILE = re.compile(r'^\t\.file (\d+) (?:"([^"]*)" )?"([^"]*)"')
TEST_SECONDS = 30


class Unit:
    """A source of the library, and how its object is made."""

    def __init__(self, entry, source):
        self.source, self.folder = source, entry["directory"]
        words = entry["command"].split()
        self.object = words[words.index("-o") + 1]
        self.compiler = words[0]
        flags = words[1:words.index("-o")]
        done = subprocess.run([self.compiler, *flags, "-S", "-o", "-", entry["file"]],
                              cwd=self.folder, stdout=subprocess.PIPE, check=True)
        self.lines = done.stdout.decode().split("\n")

    def jumps(self):
        """(index, target, source file, line) of each conditional jump."""
        files, place = {}, ("?", 0)
        for index, line in enumerate(self.lines):
            if match := FILE.match(line):
                files[match[1]] = os.path.join(match[2] or "", match[3])
            elif match := PLACE.match(line):
                place = (files.get(match[1], "?"), int(match[2]))
            elif match := JUMP.match(line):
                yield index, match[1], *place


def source_line(root, file, number):
    path = file if os.path.isabs(file) else os.path.join(root, file)
    try:
        with open(path) as text:
            return text.read().split("\n")[number - 1]
    except (OSError, IndexError):
        return ""


def tests_of(build, unit):
    """Programs on the shared library, those first that are named like the source."""
    stem = os.path.basename(unit.source).split(".")[0]
    folder = os.path.join(build, "tests")
    names = [n for n in sorted(os.listdir(folder)) if re.match(r"(api|scenarios)_\w+$", n)]
    return [os.path.join(folder, n) for n in sorted(names, key=lambda n: (stem not in n, n))]


def fails(program, work):
    environment = dict(os.environ, LD_LIBRARY_PATH=work, CMOCKA_TEST_ABORT="0")
    try:
        return subprocess.run([program], env=environment, cwd=work, stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL, timeout=TEST_SECONDS).returncode not in (0, 77)
    except subprocess.TimeoutExpired:
        return True


def is_killed(build, unit, link, index, replacement):
    with tempfile.TemporaryDirectory() as work:
        lines = unit.lines[:]
        lines[index] = replacement
        assembly, changed = os.path.join(work, "changed.s"), os.path.join(work, "changed.o")
        with open(assembly, "w") as file:
            file.write("\n".join(lines))
        subprocess.run([unit.compiler, "-c", "-o", changed, assembly], check=True)
        library = os.path.join(work, "liblend.so.0")
        command = [changed if word == unit.object else word for word in link]
        command[command.index("-o") + 1] = library
        subprocess.run(command, cwd=build, check=True)
        return any(fails(program, work) for program in tests_of(build, unit))


def link_command(build):
    """How ninja links the library, as words."""
    said = subprocess.run(["ninja", "-C", build, "-t", "commands", "lend"],
                          stdout=subprocess.PIPE, check=True).stdout.decode().split("\n")
    line = [l for l in said if " -shared " in l and "liblend.so" in l][0]
    line = line.split("&&")[1] if line.startswith(": &&") else line
    return line.replace("-Wl,-soname", " -Wl,-soname").split()


def main():
    options = argparse.ArgumentParser()
    options.add_argument("build")
    options.add_argument("sources")
    options.add_argument("--files", nargs="*", default=["base/", "sync/", "pool/", "exec/"])
    options.add_argument("--sample", type=int, default=0)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--jobs", type=int, default=os.cpu_count())
    given = options.parse_args()
    build, root = os.path.abspath(given.build), os.path.abspath(given.sources)
    src = os.path.join(root, "src") + os.sep

    with open(os.path.join(build, "compile_commands.json")) as file:
        entries = [e for e in json.load(file) if "/lend.dir/" in e["command"]]
    units = [Unit(e, e["file"][len(src):]) for e in entries
             if any(e["file"][len(src):].startswith(p) for p in given.files)]
    link = link_command(build)
    flips, asserted = [], 0
    for unit in units:
        for index, target, file, number in unit.jumps():
            words = source_line(root, file, number)
            if "LEND_ASSERT" in words:
                asserted += 2
                continue
            where = f"{os.path.relpath(file, root) if os.path.isabs(file) else file}:{number}"
            for way, replacement in (("always", f"\tjmp\t{target}"), ("never", "")):
                flips.append((unit, index, replacement, way, where, words.strip()))
    if given.sample and given.sample < len(flips):
        flips = random.Random(given.seed).sample(flips, given.sample)

    killed = tagged = alive = 0
    with concurrent.futures.ThreadPoolExecutor(given.jobs) as crew:
        results = [(f, crew.submit(is_killed, build, f[0], link, f[1], f[2])) for f in flips]
        for (unit, _, _, way, where, words), result in results:
            if result.result():
                killed += 1
            elif "OPTIMISATION" in words:
                tagged += 1
            else:
                alive += 1
                print(f"{where}: {way} ({unit.source}): {words}", flush=True)
    print(f"flips: {killed} killed, {tagged} tagged, {alive} alive; "
          f"{asserted} more decide over assertions")
    return 0 if alive == 0 else 1


if __name__ == "__main__":
    sys.exit(main())
