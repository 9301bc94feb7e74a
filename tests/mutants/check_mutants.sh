#!/bin/sh
# SPDX-License-Identifier: MIT
#
#     sh tests/mutants/check_mutants.sh [NAME...]
#
# Can the simulation find a bug? Each NN-name.patch here breaks the core in one way; its first line
# says how, and where the way to them is long, a second one names scenarios that show it. Each is
# applied to a copy by itself, and the simulation of it has to fail.
set -eu
mutants=$(cd "$(dirname "$0")" && pwd)
source=${LEND_SOURCE_DIR:-$(cd "$mutants/../.." && pwd)}
cc=${CC:-cc}
command -v patch >/dev/null || { echo "skipped: no patch"; exit 77; }
echo '#include <ucontext.h>
int main(void) { makecontext(0, 0, 0); }' | "$cc" -x c -fsyntax-only - 2>/dev/null ||
    { echo "skipped: no makecontext"; exit 77; }

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/tests"
cp -r "$source/src" "$source/include" "$work"
cp -r "$source/tests/sim" "$source/tests/oracle" "$work/tests"
cd "$work"

# As tests/sim/CMakeLists.txt has it.
sources=$(find src/base src/sync src/pool src/exec tests/sim tests/oracle -name '*.c' |
    grep -Ev '^src/(base/(assert|cgroup|clock|cores|memory|room)|sync/(alert|bell|fork|lock|parker|thread))\.c$')
flags="-std=gnu11 -O0 -fexceptions -w -Itests/sim/seam -Itests/sim -Itests -Isrc -Iinclude"

# compile SUFFIX FILE.c...
compile() {
    suffix=$1
    shift
    # shellcheck disable=SC2086  # several flags on purpose
    printf '%s\n' "$@" |
        xargs -P "$(nproc)" -I '{}' "$cc" $flags -MD -MF "{}$suffix.d" -c '{}' -o "{}$suffix.o"
}

# What is there of the mutant, and the rest as it was.
link_it() {
    for file in $sources; do
        if [ -e "$file.mutant.o" ]; then echo "$file.mutant.o"; else echo "$file.o"; fi
    done | xargs "$cc" -o lend-sim
}

# explore PATCH: most mutants die soon.
explore() {
    scenarios=$(sed -n '2s/^Scenarios: *//p' "$1" | sed 's/[^ ]*/--scenario &/g')
    for schedules in 400 8000; do
        # shellcheck disable=SC2086  # several arguments on purpose
        ./lend-sim $scenarios --schedules $schedules >says 2>&1 || return 1
    done
}

# What has to be compiled again for a patch: what it touches, and what includes that.
touched() {
    sed -n 's|^+++ b/||p' "$1" | while read -r file; do
        case $file in
        *.h) grep -lF " $file" $(echo "$sources" | sed 's/$/.d/') | sed 's/\.d$//' ;;
        *) echo "$file" ;;
        esac
    done | sort -u
}

# shellcheck disable=SC2046  # lists on purpose
check() {
    patch=$1 name=$(basename "$1" .patch) began=$(date +%s%N)
    patch -s -F 0 -p1 <"$patch" || { echo "$name: does not apply"; return 1; }
    compile .mutant $(touched "$patch") && link_it || { echo "$name: does not compile"; return 1; }
    alive=1
    explore "$patch" || alive=0
    seconds=$(awk "BEGIN { printf \"%.1f\", ($(date +%s%N) - $began) / 1e9 }")
    patch -s -R -F 0 -p1 <"$patch"
    find . -name '*.mutant.o' -exec rm '{}' +
    if [ $alive -ne 0 ]; then
        echo "$name: lives"
        return 1
    fi
    grep -q '^FAILED ' says || { echo "$name: ends without a word"; cat says; return 1; }
    awk -v name="$name" -v seconds="$seconds" '
        /^FAILED / { scenario = $2; getline; sub(/:.*/, ""); invariant = $1 }
        /^  strategy / { sub(/^  strategy /, ""); how = $0 }
        END { printf "%-28s %s s: %s by %s, %s\n", name, seconds, invariant, scenario, how }' says
}

# shellcheck disable=SC2086  # a list on purpose
compile '' $sources
link_it
./lend-sim --schedules 400 >says 2>&1 || { echo "without any mutant:"; cat says; exit 1; }

dead=0 wrong=0
for patch in "$mutants"/[0-9]*.patch; do
    case "$# $* " in
    "0 "* | *" $(basename "$patch" .patch) "*) ;;
    *) continue ;;
    esac
    if check "$patch"; then dead=$((dead + 1)); else wrong=$((wrong + 1)); fi
done
echo "$dead mutants were found, $wrong not"
[ "$wrong" -eq 0 ] && [ "$dead" -gt 0 ]
