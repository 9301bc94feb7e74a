# SPDX-License-Identifier: MIT
#
#     sh explore.sh holds|fails MODEL MACRO...
#
# Explore all states of a model, with -D for each macro: in none may an assertion fail, or in one
# it must. Says in one line what came of it; the error that was not to be, step by step.
set -eu
expected=$1 model=$2
shift 2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
pml=$LEND_SOURCE_DIR/tests/models/$model.pml

# shellcheck disable=SC2046  # one word for each macro
spin -a $(printf -- '-D%s ' "$@") "$pml" >log 2>&1 && "${CC:-cc}" -w -DSAFETY -DCOLLAPSE -o pan pan.c \
    >>log 2>&1 || { cat log; exit 1; }
./pan -m300000 >log 2>&1 || true
states=$(sed -n 's/^ *\([0-9.e+]*\) states, stored.*/\1/p' log)
errors=$(sed -n 's/.*errors: \([0-9]*\)$/\1/p' log)
why=$(sed -n 's/^pan:[0-9]*: \(.*\) (at depth.*/\1/p' log)
printf '%s %s: %s states: %s\n' "$model" "$*" "$states" "${why:-every claim holds}"
case $expected:$errors in
holds:0) ! grep -qE 'too small|out of memory|truncated' log || { cat log; exit 1; } ;;
holds:*) spin -t -p $(printf -- '-D%s ' "$@") "$pml" || true; exit 1 ;;
fails:1) ;;
*) cat log; echo "the seeded bug was not found"; exit 1 ;;
esac
