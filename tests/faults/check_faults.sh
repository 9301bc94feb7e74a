#!/bin/sh
# SPDX-License-Identifier: MIT
#
# The fault loop: every call of the core that can fail does, once and for good, and the answer is
# one that the call's comment lists, nothing leaks, and what is open goes on working.
#
# The list of those calls is made from the program that is run; and a function that the core calls
# and symbols.list does not know of is an error, so that a new one cannot be forgotten.
set -eu
faults=$LEND_SOURCE_DIR/tests/faults
program=$LEND_BUILD_DIR/tests/lend-faults
objects=$LEND_BUILD_DIR/tests/liblend_inside.a
sites=$program.sites

nm -u "$objects" | awk '$1 == "U" || $1 == "w" { print $2 }' | sort -u >"$sites.called"
nm --defined-only "$objects" | awk 'NF == 3 { print $3 }' | sort -u >"$sites.defined"
awk '$1 ~ /^[A-Za-z_]/ { print $1 }' "$faults/symbols.list" | sort -u >"$sites.known"
unknown=$(comm -23 "$sites.called" "$sites.defined" | comm -23 - "$sites.known" |
    grep -vE '^__(asan|ubsan|tsan|sanitizer)_|^_GLOBAL_OFFSET_TABLE_$' || true)
[ -z "$unknown" ] || {
    echo "the core calls what symbols.list does not know of: $unknown"
    exit 1
}
objdump -d --no-show-raw-insn "$program" | awk -f "$faults/sites.awk" >"$sites.called-from"
awk 'NR == FNR { fails[$1] = $2 == "fails"; next } fails[$2]' "$faults/symbols.list" \
    "$sites.called-from" >"$sites"
exec "$program" "$sites"
