#!/bin/sh
# SPDX-License-Identifier: MIT
#
# The tree: what lies at the top, what every file has and none has.
set -eu
cd "$LEND_SOURCE_DIR"

# Files of the project: tracked, and new ones that are not ignored; outside git, whatever is there.
tree() {
    if [ -e .git ] && command -v git >/dev/null; then
        git ls-files --cached --others --exclude-standard | while read -r file; do
            [ ! -e "$file" ] || echo "$file"
        done
    else
        find . -type f ! -path './build*' ! -path './.git/*' | sed 's|^\./||'
    fi
}

sources() {
    tree | grep -E '\.(c|h|cc|sh|awk|py)$|(^|/)CMakeLists\.txt$'
}

# The top level is exactly this, and dotfiles.
top() {
    wanted='include src tests examples CMakeLists.txt README.md LICENSE'
    here=$(tree | cut -d/ -f1 | sort -u | grep -v '^\.')
    for name in $here; do
        case " $wanted " in *" $name "*) ;; *) echo "$name: does not belong at the top" ;; esac
    done
    for name in $wanted; do
        [ -e "$name" ] || echo "$name: is missing"
    done
}

products() {
    tree | grep -E '\.(o|a|so|so\.[0-9.]+|d|log|gcda|gcno|actual|orig|rej|swp)$|~$|(^|/)(build|CMakeFiles|CMakeCache\.txt|compile_commands\.json|__pycache__)(/|$)' |
        sed 's/$/: is a product or leftover/' || true
}

names() {
    tree | grep -iE '(^|[/_.-])(utils?|common|helpers?|misc)([/_.-]|$)' |
        sed 's/$/: says nothing in its name/' || true
}

licensed() {
    sources | while read -r file; do
        head -n 3 "$file" | grep -q 'SPDX-License-Identifier: MIT' || echo "$file:1: has no SPDX line"
    done
}

# A file that needs more is two files. Tests go on a little longer: they are read one by one.
short() {
    sources | while read -r file; do
        lines=$(wc -l <"$file") most=400
        case $file in tests/*) most=500 ;; esac
        [ "$lines" -le $most ] || echo "$file:$most: goes on for $lines lines"
    done
}

tidy() {
    tab=$(printf '\t')
    sources | while read -r file; do
        grep -nE "[[:blank:]]\$|$tab" "$file" | sed "s|^\([0-9]*\):.*|$file:\1: has a tab or blanks at its end|"
        [ -z "$(tail -c 1 "$file")" ] || echo "$file: does not end with a newline"
    done
}

found=$(top; products; names; licensed; short; tidy)
[ -z "$found" ] || { printf '%s\n' "$found"; exit 1; }
