#!/bin/sh
# SPDX-License-Identifier: MIT
#
# The floors: an include stays on its floor or points down, and what a floor is there to hide is
# named nowhere else.
#
#   src/base < src/sync < src/pool < src/exec
#   src/ocr, examples, tests: on the public headers alone, but for tests/unit and tests/sim, which
#   look inside
set -eu
checks=$LEND_SOURCE_DIR/tests/checks
cd "$LEND_SOURCE_DIR"

# code FOLDER...: the C in them without comments, as FILE:LINE:CODE
code() {
    find "$@" -name '*.[ch]' -o -name '*.cc' | sort | xargs awk -f "$checks/code.awk"
}

# included FOLDER...: as FILE:LINE: NAME, with its quotes or brackets
included() {
    code "$@" | sed -n 's/^\([^:]*:[0-9]*:\)[ \t]*#[ \t]*include[ \t]*\([<"][^>"]*[>"]\).*/\1 \2/p'
}

# may_include FOLDER REGEX
may_include() {
    included "$1" | grep -Ev "^[^ ]* ($2)\$" | sed "s|: |: is not for $1 to include: |" || true
}

# belongs_to WHERE REGEX FOLDER...: what matches is named by none of the folders
belongs_to() {
    where=$1 names=$2
    shift 2
    code "$@" | grep -E "^[^:]*:[0-9]*:(.*[^A-Za-z0-9_>.])?($names)" |
        sed "s|^\([^:]*:[0-9]*\):[ \t]*|\1: belongs to $where: |" || true
}

# stands_on_the_api FOLDER...: a quoted name lies beside the file that includes it or in tests/
stands_on_the_api() {
    included "$@" | sed -n 's/"//gp' | while read -r place name; do
        file=${place%%:*}
        case $name in
        *../*) echo "$place leads out of its folder: $name" ;;
        *) [ -e "${file%/*}/$name" ] || [ -e "tests/$name" ] ||
            echo "$place is neither public nor its own: $name" ;;
        esac
    done
}

findings() {
    c='<[a-z_]+\.h>|<(sys|linux)/[a-z_]+\.h>'
    public='<lend/[a-z]+\.h>'
    may_include include "$public|<(errno|stdbool|stddef|stdint)\.h>"
    may_include src/base "$c|$public|\"base/.*"
    may_include src/sync "$c|$public|\"(base|sync)/.*"
    may_include src/pool "$c|$public|\"(base|sync|pool)/.*"
    may_include src/exec "$c|$public|\"(base|sync|pool|exec)/.*"
    may_include src/ocr '<.*>|"ocr/.*'
    belongs_to "src/ocr and its users" '<lend/ocr\.h>' include src/base src/sync src/pool src/exec

    # shellcheck disable=SC2046  # a list on purpose
    stands_on_the_api examples $(find tests -mindepth 1 -maxdepth 1 -type d ! -name unit ! -name sim)

    belongs_to src/sync '<(pthread|semaphore|threads|stdatomic)\.h>|pthread_|atomic_|_Atomic' \
        include src/base src/pool src/exec
    belongs_to src/sync '<sys/eventfd\.h>|eventfd' include src/base src/pool src/exec
    belongs_to "src/base or src/sync" '<time\.h>|(clock_gettime|nanosleep|usleep|sleep|time) *\(' \
        include src/pool src/exec
    belongs_to src/base '(malloc|calloc|realloc|aligned_alloc|strdup|strndup|free) *\(' \
        include src/sync src/pool src/exec
}

found=$(findings)
[ -z "$found" ] || { printf '%s\n' "$found"; exit 1; }
