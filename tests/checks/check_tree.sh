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

# All by one awk: a process for each file takes half a minute. A file that needs more lines is two
# files; tests go on a little longer, as they are read one by one.
kept() {
    sources | xargs awk '
        function finish() {
            if (file != "" && !licensed)
                print file ":1: has no SPDX line"
            most = file ~ /^tests\// ? 500 : 400
            if (lines > most)
                print file ":" most ": goes on for " lines " lines"
        }
        FNR == 1 { finish(); file = FILENAME; licensed = 0 }
        FNR <= 3 && /SPDX-License-Identifier: MIT/ { licensed = 1 }
        /[ \t]$|\t/ { print FILENAME ":" FNR ": has a tab or blanks at its end" }
        { lines = FNR }
        END { finish() }'
}

ended() {
    [ "$(sources | xargs tail -qc 1 | wc -l)" -eq "$(sources | wc -l)" ] ||
        sources | while read -r file; do
            [ -z "$(tail -c 1 "$file")" ] || echo "$file: does not end with a newline"
        done
}

found=$(top; products; names; kept; ended)
[ -z "$found" ] || { printf '%s\n' "$found"; exit 1; }
