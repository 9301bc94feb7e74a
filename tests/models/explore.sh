# SPDX-License-Identifier: MIT
#
#     sh explore.sh holds|fails MODEL MACRO...
#
# Explore all states of a model, with -D for each macro: in none may a claim fail, or in one it
# must. Says in one line what came of it, and of an error that was not to be, each step to it. The
# explorer is a program that $compiler makes.
set -eu
expected=$1 model=$2
shift 2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp "$LEND_SOURCE_DIR/tests/models/$model.pml" "$work"
cd "$work"

macros=$(printf -- '-D%s ' "$@")
# shellcheck disable=SC2086  # one word for each macro
spin -a $macros "$model.pml" >log 2>&1 || { cat log; exit 1; }
# shellcheck disable=SC2086  # a compiler with its flags
$compiler -w -DSAFETY -DCOLLAPSE -o pan pan.c
./pan -m300000 >log 2>&1 || true
states=$(sed -n 's/^ *\([0-9.e+]*\) states, stored.*/\1/p' log)
errors=$(sed -n 's/.*errors: \([0-9]*\)$/\1/p' log)
[ -n "$errors" ] || { echo "$model $*: the explorer ended without a verdict"; cat log; exit 1; }
why=$(sed -n 's/^pan:[0-9]*: \(.*\) (at depth.*/\1/p' log)
printf '%s %s: %s states: %s\n' "$model" "$*" "$states" "${why:-every claim holds}"
case $expected:$errors in
holds:0)
    ! grep -E 'too small|out of memory|truncated' log
    ;;
holds:*)
    # shellcheck disable=SC2086
    spin -t -p $macros "$model.pml"
    exit 1
    ;;
fails:0)
    echo "the seeded bug was not found"
    exit 1
    ;;
esac
