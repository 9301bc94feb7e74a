# SPDX-License-Identifier: MIT
#
#     python3 flips.py BUILD SOURCES [--files PREFIX...] [--sample N] [--seed S] [--jobs N]
#                      [--seconds S] [--minutes M] [--resume] [--alive-again] [--verify N]
#
# Does it matter which way the core branches? Each conditional jump in the library as shipped is
# inverted in memory (flip.c) and the test programs that execute it are run, the quick ones first,
# until one fails, crashes or hangs: killed. What none fails for is tagged if optimisations.list
# says why the other way is right too, asserted if it decides over an assertion, else alive: a test
# is missing. A program linked with the library's objects executes the same jumps in its own copy.
#
# Which jumps a program executes is recorded first, in several runs; one that fails in these is left
# out. BUILD is a build with shared libraries; flips.results in it grows by a line for each flip,
# and --resume goes on from it. Prints each flip that is alive and the lines of optimisations.list
# that fit nothing, which is an error, or excuse nothing that is alive: of a race that may be chance.
#
#     --files PREFIX...   only jumps whose line is in these, from src/ on
#     --sample N          only N of them, drawn with --seed
#     --seconds S         leave out programs that take longer
#     --minutes M         begin no flip after so long
#     --alive-again       with --resume: try once more what was alive
#     --verify N          run N of the killed once more, on the program that killed them
import argparse
import bisect
import collections
import concurrent.futures
import hashlib
import json
import os
import random
import re
import resource
import signal
import subprocess
import sys
import tempfile
import threading
import time

RUNS_BEFORE = 2  # of each program without a flip
PATIENCE = 3     # a program that takes so many times as long hangs, and
GRACE = 1.5      # so many seconds, on a busy machine
MARK = "@"       # before the part of a statement that a jump decides
PROGRAMS = re.compile(r"(api|unit|scenarios|stress)_\w+$")
CHANCE = ("stress_faulty_pool",) # how long these take is left to chance: hanging says nothing
EXAMPLES = ("borrow", "five-failures", "futures", "report")

Jump = collections.namedtuple("Jump", "name address function offset byte place lines text")


def said(*command, given=None):
    return subprocess.run(command, input=given, stdout=subprocess.PIPE, check=True).stdout.decode()


class Functions:
    """The functions of an object file: where each begins, how long it is, what bytes it has."""

    def __init__(self, path):
        self.table, file, sections = [], "", {}
        with open(path, "rb") as image:
            self.image = image.read()
        for line in said("readelf", "-SW", path).split("\n"):
            if match := re.match(r" *\[ *(\d+)\] (\S+) +\S+ +([0-9a-f]+) ([0-9a-f]+) ", line):
                sections[match[1]] = int(match[4], 16) - int(match[3], 16)
        for line in said("readelf", "-sW", path).split(".symtab' ", 1)[-1].split("\n"):
            words = line.split()
            if len(words) == 8 and words[3] == "FILE":
                file = words[7]
            elif len(words) == 8 and words[3] == "FUNC" and words[6] in sections:
                size = int(words[2], 0)
                if size > 0:
                    self.table.append((int(words[1], 16), size, words[7], file, sections[words[6]]))
        self.table.sort()
        self.by_name = collections.defaultdict(list)
        for entry in self.table:
            self.by_name[entry[2]].append(entry)

    def at(self, address):
        entry = self.table[bisect.bisect(self.table, (address + 1,)) - 1]
        return entry if entry[0] <= address < entry[0] + entry[1] else None

    def byte(self, address, shift):
        return self.image[address + shift]


class Library:
    """The library as shipped, and the conditional jumps in it."""

    def __init__(self, path, root):
        self.path, self.functions = path, Functions(path)
        addresses, hashes = [], collections.defaultdict(hashlib.md5)
        for line in said("objdump", "-d", "--no-show-raw-insn", path).split("\n"):
            if match := re.match(r" +([0-9a-f]+):\t(\S+) *(.*)", line):
                address = int(match[1], 16)
                if (entry := self.functions.at(address)) is None:
                    continue
                # what is the same wherever the linker has put it
                operands = re.sub(r"0x[0-9a-f]+\(%rip\)|#.*|\b[0-9a-f]{4,} <", "", match[3])
                hashes[entry].update(f"{match[2]} {operands}\n".encode())
                if re.match(r"j(?!mp)[a-z]+$", match[2]):
                    addresses.append(address)
        places = self.places(addresses, root)
        self.jumps = []
        for address in addresses:
            entry = self.functions.at(address)
            lines = places[address]
            name = f"{entry[2]}+{address - entry[0]:x}/{entry[1]:x}/{hashes[entry].hexdigest()[:8]}"
            text = statement(root, *lines[0][:3])
            self.jumps.append(Jump(name, address, entry, address - entry[0],
                                   self.functions.byte(address, entry[4]), lines[0][0], lines, text))

    def places(self, addresses, root):
        """{address: [(file, line, column, function), ...]}: the innermost inlined function first."""
        out = said("llvm-symbolizer", "--inlines", f"--obj={self.path}",
                   given="".join(f"0x{a:x}\n" for a in addresses).encode()).split("\n\n")
        found = {}
        for address, frames in zip(addresses, out):
            words = frames.split("\n")
            found[address] = []
            for function, place in zip(words[::2], words[1::2]):
                path, line, column = place.rsplit(":", 2)
                found[address].append((os.path.relpath(path, root) if path.startswith("/") else path,
                                       int(line), int(column), function))
        return found


TEXTS = {}


def statement(root, file, number, column):
    """The statement that a line is in, in one line, with a MARK before the column."""
    if file not in TEXTS:
        try:
            with open(os.path.join(root, file)) as text:
                TEXTS[file] = text.read().split("\n")
        except OSError:
            TEXTS[file] = []
    lines = TEXTS[file]
    if not 0 < number <= len(lines):
        return ""
    first = last = number - 1
    while first > 0 and number - first < 6 and not re.search(r"[;{}:]\s*(/\*.*)?$|\*/$|^\s*$|^\s*#",
                                                             lines[first - 1]):
        first -= 1
    while last + 1 < len(lines) and last - number < 6 and not re.search(r"[;{}]\s*(/\*.*)?$", lines[last]):
        last += 1
    marked = lines[number - 1][:column - 1] + MARK + lines[number - 1][column - 1:]
    return " ".join(line.strip() for line in lines[first:number - 1] + [marked] + lines[number:last + 1])


def kill_group(leader):
    try:
        os.killpg(leader, signal.SIGKILL)
    except ProcessLookupError:
        pass


def cut(*_):
    """What a signal does."""
    for leader in list(Program.running):
        kill_group(leader)
    print("flips: cut; --resume goes on", flush=True)
    os._exit(130)


def digest(path):
    with open(path, "rb") as file:
        return hashlib.md5(file.read()).hexdigest()


class Program:
    """A test program, and where it has the library's jumps."""

    running = set() # processes

    def __init__(self, name, command, module, sites):
        self.name, self.command, self.module, self.sites = name, command, module, sites
        self.seconds, self.most_seconds, self.reached = float("inf"), 0.0, set()

    def run(self, preloaded, limit, **environment):
        """Returns (what it ended with or "hangs", seconds)."""
        began = time.monotonic()
        given = dict(os.environ, LD_PRELOAD=preloaded, LEND_FLIP_MODULE=self.module,
                     CMOCKA_TEST_ABORT="1", **environment)
        with tempfile.TemporaryDirectory() as work, \
                subprocess.Popen(self.command, env=given, cwd=work, stdin=subprocess.DEVNULL,
                                 stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                 start_new_session=True) as process:
            Program.running.add(process.pid)
            try:
                status = process.wait(limit)
            except subprocess.TimeoutExpired:
                status = "hangs"
            finally:
                kill_group(process.pid)
                Program.running.discard(process.pid)
                process.wait()
        return status, time.monotonic() - began

    def learn(self, preloaded, limit):
        """How long it takes and what it reaches. False if it fails."""
        with tempfile.TemporaryDirectory() as work:
            order = sorted(self.sites, key=self.sites.get)
            sites, reached = os.path.join(work, "sites"), os.path.join(work, "reached")
            with open(sites, "w") as file:
                file.write("".join(f"{self.sites[name]:x}\n" for name in order))
            with open(reached, "wb") as file:
                file.write(bytes(len(order)))
            for _ in range(RUNS_BEFORE):
                status, seconds = self.run(preloaded, limit)
                if status != 0:
                    return False
                self.seconds = min(self.seconds, seconds)
                self.most_seconds = max(self.most_seconds, seconds)
                status, _ = self.run(preloaded, limit, LEND_FLIP_SITES=sites,
                                     LEND_FLIP_REACHED=reached)
                if status != 0:
                    return False
            with open(reached, "rb") as file:
                self.reached = {order[at] for at, byte in enumerate(file.read()[:len(order)]) if byte}
        return True

    def fails(self, preloaded, jump):
        """How it ends with a jump flipped, or None if well."""
        status, _ = self.run(preloaded, PATIENCE * self.most_seconds + GRACE,
                             LEND_FLIP=f"{self.sites[jump.name]:x}")
        return None if status == 0 else str(status)


def sites_in(path, library):
    """{jump: address} in a program that contains the library's objects."""
    own, sites, fits = Functions(path), {}, {}
    for jump in library.jumps:
        begin, size, name, file, _ = jump.function
        if jump.function not in fits:
            fits[jump.function] = [entry for entry in own.by_name[name] if entry[1] == size
                                   and (name.startswith("lend_") or entry[3] == file)]
        those = [entry for entry in fits[jump.function]
                 if own.byte(entry[0] + jump.offset, entry[4]) == jump.byte]
        if len(those) == 1:
            sites[jump.name] = those[0][0] + jump.offset
    return sites


def programs_of(build, root, library):
    shared = {jump.name: jump.address for jump in library.jumps}
    module = os.path.basename(library.path)
    tests = os.path.join(build, "tests")
    commands = [[os.path.join(tests, n)] for n in sorted(os.listdir(tests))
                if PROGRAMS.match(n) and n not in CHANCE]
    commands += [[os.path.join(build, "examples", n)] for n in EXAMPLES]
    commands += [[os.path.join(tests, "lend-faults"), os.path.join(tests, "lend-faults.sites")]]
    commands += [[os.path.join(tests, "soak", "lend-soak"), "--seconds", "2", "--seed", "1"]]
    commands += [[os.path.join(tests, "fuzz", "replay_api"), os.path.join(root, "tests/fuzz/corpus/api")]]
    for command in commands:
        name = os.path.basename(command[0])
        links = "liblend.so" in said("readelf", "-d", command[0])
        sites = shared if links else sites_in(command[0], library)
        if sites:
            yield Program(name, command, module if links else "", sites)


class Tags:
    """optimisations.list: whose other way is right, too."""

    def __init__(self, path):
        self.entries = []
        if os.path.exists(path):
            with open(path) as file:
                for number, line in enumerate(file, 1):
                    if line.strip() and not line.startswith(("#", " ")):
                        file_name, function, text = line.strip().split(" ", 2)
                        self.entries.append((number, file_name, function, text))
        self.fits = collections.Counter()
        self.excuses = collections.Counter()

    def of(self, jump, root):
        """The number of the first line that fits."""
        for number, file, function, text in self.entries:
            for place, line, column, inside in jump.lines:
                if place == file and re.sub(r"\..*", "", inside) == function and \
                        text in statement(root, place, line, column):
                    return number
        return None


def learn_all(programs, preloaded, library, jobs, seconds, path):
    """Those that can be used, the quick first. What was learned is kept in `path`."""
    known, lock = {}, threading.Lock()
    if os.path.exists(path):
        with open(path) as file:
            known = json.load(file)

    def learn(program):
        identity = digest(program.command[0]) + digest(library.path)
        if known.get(program.name, [""])[0] != identity:
            well = program.learn(preloaded, 60)
            with lock, open(path, "w") as file:
                known[program.name] = [identity, well, program.seconds, program.most_seconds,
                                       sorted(program.reached)]
                json.dump(known, file)
        _, well, program.seconds, program.most_seconds, reached = known[program.name]
        program.reached = set(reached)
        return well

    kept = []
    with concurrent.futures.ThreadPoolExecutor(jobs) as crew:
        for program, well in zip(programs, crew.map(learn, programs)):
            if not well:
                print(f"flips: {program.name} fails without a flip: left out", flush=True)
            elif seconds == 0 or program.seconds <= seconds:
                kept.append(program)
    return sorted(kept, key=lambda p: p.seconds)


class Hunt:
    """The flips that are to be tried, and what became of them."""

    def __init__(self, programs, preloaded, path, until):
        self.programs, self.preloaded, self.path, self.until = programs, preloaded, path, until
        self.killers = collections.defaultdict(collections.Counter)  # by function
        self.results = {}

    def read(self):
        if os.path.exists(self.path):
            with open(self.path) as file:
                for line in file:
                    name, outcome, killer, how = line.rstrip("\n").split("\t")
                    self.results[name] = (outcome, killer, how)

    def write(self, name, result):
        self.results[name] = result
        with open(self.path, "a") as file:
            file.write("\t".join((name, *result)) + "\n")

    def order(self, jump):
        """First what killed others of the function, then the quick."""
        known = self.killers[jump.function]
        return sorted((p for p in self.programs if jump.name in p.reached),
                      key=lambda p: (p.seconds > 1.2, -known[p.name], p.seconds))

    def try_one(self, jump):
        if time.monotonic() > self.until:
            return None
        order = self.order(jump)
        if not order:
            return ("unreached", "-", "-")
        for program in order:
            how = program.fails(self.preloaded, jump)
            if how is not None:
                self.killers[jump.function][program.name] += 1
                return ("killed", program.name, how)
        return ("survived", "-", str(len(order)))


def options():
    parser = argparse.ArgumentParser()
    parser.add_argument("build")
    parser.add_argument("sources")
    parser.add_argument("--files", nargs="*", default=["base/", "sync/", "pool/", "exec/"])
    parser.add_argument("--sample", type=int, default=0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=2 * (os.cpu_count() or 1))
    parser.add_argument("--seconds", type=float, default=0)
    parser.add_argument("--minutes", type=float, default=1e6)
    parser.add_argument("--resume", action="store_true")
    parser.add_argument("--alive-again", action="store_true")
    parser.add_argument("--verify", type=int, default=0)
    return parser.parse_args()


def verify(hunt, jumps, count, draw, jobs):
    """Run some of the killed again. Returns how many of how many failed again."""
    killed = [j for j in jumps if hunt.results.get(j.name, ("",))[0] == "killed"]
    by_name = {p.name: p for p in hunt.programs}
    chosen = [j for j in draw.sample(killed, min(count, len(killed)))
              if hunt.results[j.name][1] in by_name]
    with concurrent.futures.ThreadPoolExecutor(jobs) as crew:
        again = list(crew.map(
            lambda j: by_name[hunt.results[j.name][1]].fails(hunt.preloaded, j), chosen))
    for jump, how in zip(chosen, again):
        if how is None:
            print(f"{jump.name}: killed by {hunt.results[jump.name][1]} but once", flush=True)
    return sum(how is not None for how in again), len(chosen)


def report(hunt, jumps, tags, root, whole):
    """Print what is alive, and the figures. Returns what to exit with."""
    count = collections.Counter()
    for jump in jumps:
        outcome, _, how = hunt.results.get(jump.name, ("left", "", ""))
        tag = tags.of(jump, root)
        if tag is not None:
            tags.fits[tag] += 1
            tags.excuses[tag] += outcome != "killed"
        if outcome in ("survived", "unreached"):
            if "LEND_ASSERT" in jump.text:
                outcome = "asserted"
            elif tag is not None:
                outcome = "tagged"
            else:
                place, line, _, inside = jump.lines[0]
                via = "".join(f" < {f}:{l}" for f, l, _, _ in jump.lines[1:])
                print(f"{place}:{line}{via} ({inside}, {jump.name}) "
                      f"{outcome}{' ' + how if outcome == 'survived' else ''}: {jump.text}")
        count[outcome] += 1
    stale = [e for e in tags.entries if whole and tags.fits[e[0]] == 0]
    for number, file, function, text in tags.entries:
        if whole and tags.excuses[number] == 0 and not count["left"]:
            what = "all killed this time" if tags.fits[number] else "fits nothing"
            print(f"optimisations.list:{number}: {what}: {file} {function} {text}")
    alive = count["survived"] + count["unreached"]
    print(f"flips: {count['killed']} killed, {count['tagged']} tagged, {alive} alive "
          f"({count['unreached']} of them unreached); {count['asserted']} decide over assertions"
          + (f"; {count['left']} left to try" if count["left"] else ""))
    return 0 if alive == 0 and not stale and not count["left"] else 1


def main():
    given = options()
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    signal.signal(signal.SIGINT, cut)
    signal.signal(signal.SIGTERM, cut)
    build, root = os.path.abspath(given.build), os.path.abspath(given.sources)
    preloaded = os.path.join(build, "flip.so")
    library = Library(os.path.realpath(os.path.join(build, "src", "liblend.so")), root)
    soname = re.search(r"SONAME.*\[(.+)\]", said("readelf", "-d", library.path)).group(1)
    library.path = os.path.join(build, "src", soname)
    draw = random.Random(given.seed)
    jumps = [j for j in library.jumps
             if any(j.place.startswith(os.path.join("src", p)) for p in given.files)]
    if given.sample and given.sample < len(jumps):
        jumps = draw.sample(jumps, given.sample)
    programs = learn_all(list(programs_of(build, root, library)), preloaded, library, given.jobs,
                         given.seconds, os.path.join(build, "flips.learned"))
    print(f"flips: {len(jumps)} of {len(library.jumps)} jumps, {len(programs)} programs, "
          f"{sum(p.seconds for p in programs):.0f} s for all of them", flush=True)

    hunt = Hunt(programs, preloaded, os.path.join(build, "flips.results"),
                time.monotonic() + 60 * given.minutes)
    if given.resume:
        hunt.read()
    elif os.path.exists(hunt.path):
        os.remove(hunt.path)
    done = ("killed",) if given.alive_again else ("killed", "survived", "unreached")
    left = [j for j in jumps if hunt.results.get(j.name, ("left",))[0] not in done]
    with concurrent.futures.ThreadPoolExecutor(given.jobs) as crew:
        futures = {crew.submit(hunt.try_one, jump): jump for jump in left}
        for number, future in enumerate(concurrent.futures.as_completed(futures), 1):
            if future.result() is not None:
                hunt.write(futures[future].name, future.result())
            if number % 100 == 0:
                print(f"flips: {number} of {len(left)}", flush=True)
    if given.verify:
        again, of = verify(hunt, jumps, given.verify, draw, given.jobs)
        print(f"flips: {again} of {of} killed again")
    tags = Tags(os.path.join(root, "tests", "flips", "optimisations.list"))
    return report(hunt, jumps, tags, root, len(jumps) == len(library.jumps))


if __name__ == "__main__":
    sys.exit(main())
