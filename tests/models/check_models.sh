#!/bin/sh
# SPDX-License-Identifier: MIT
#
#     sh check_models.sh [long]
#
# The two protocols that everything rests on, each in a model that Spin explores to its last state:
# who gets a model next (handoff.pml), and which wait is refused as a deadlock (deadlock.pml). Then
# each of their seeded bugs, which must be found: what cannot fail proves nothing. `long` explores
# larger sizes too.
set -eu
here=${LEND_SOURCE_DIR:-$(cd "$(dirname "$0")/../.." && pwd)}/tests/models
command -v spin >/dev/null || { echo "skipped: there is no spin (Debian: spin)"; exit 77; }

models() {
    cat <<'LIST'
holds handoff NT=2 SZ=1 ROUNDS=1 WITH_CLOSER
holds handoff NT=2 SZ=1 ROUNDS=2 BREAKS=0 WITH_OUTSIDER
holds handoff NT=2 SZ=2 ROUNDS=2 BREAKS=0 FAILS=0 CHECKS=1
holds handoff NT=3 SZ=1 ROUNDS=1
holds handoff NT=3 SZ=2 ROUNDS=1 BREAKS=0
holds deadlock NT=2 S0=1 S1=1 TIMED
holds deadlock NT=2 S0=2 S1=1 SHRINK
LIST
}

larger_models() {
    cat <<'LIST'
holds handoff NT=2 SZ=1 ROUNDS=2 WITH_CLOSER
holds deadlock NT=3 S0=1 S1=1
holds handoff NT=3 SZ=1 ROUNDS=1 BREAKS=0 WITH_CLOSER
holds handoff NT=3 SZ=2 ROUNDS=1 BREAKS=0 WITH_CLOSER
holds handoff NT=2 SZ=2 ROUNDS=2 CHECKS=1 WITH_CLOSER
holds handoff NT=2 SZ=1 ROUNDS=2 WITH_CLOSER WITH_OUTSIDER
holds deadlock NT=2 S0=1 S1=1 ROUNDS=2 TIMED
holds deadlock NT=2 S0=2 S1=1 ROUNDS=2 SHRINK
holds deadlock NT=3 S0=2 S1=1
holds deadlock NT=3 S0=2 S1=2
LIST
}

seeded_bugs() {
    cat <<'LIST'
fails handoff BUG_LOOK_FIRST                       # a slot is looked at, and then shut
fails handoff BUG_LENT_OPEN                        # what is lent stays open while somebody waits
fails handoff SZ=2 BREAKS=0 WITH_OUTSIDER BUG_TAKE_PAST # a model is taken past a shut gate
fails handoff WITH_CLOSER BUG_CLOSE_OPEN           # close leaves the gates open
fails handoff SZ=2 BREAKS=0 FAILS=0 CHECKS=1 BUG_CHECK_OPEN # an idle one is checked with its gate open
fails deadlock ROUNDS=2 BUG_OWNER_BEFORE          # who had it before is taken for who has it
fails handoff BUG_PUT_PAST                         # a model is put back past a shut gate
fails handoff BUG_WAKE_FIRST                       # woken, then decided
fails handoff BUG_DROP_GRANT                       # a grant that met the deadline is dropped
fails handoff BUG_FINISH                           # leaves before the wake that is on its way
fails handoff BUG_STAYS_SHUT                        # nobody waits any more, and the gates stay shut
fails handoff BUG_FORGOTTEN                        # no model lives, and who waits is not told
fails handoff BUG_KEEPER_ASLEEP                    # a broken model, and nobody wakes the keeper
fails handoff WITH_CLOSER BUG_NO_VISITORS          # close does not wait for who is inside
fails handoff WITH_CLOSER BUG_CLOSE_FORGETS        # close leaves the waiters waiting
fails handoff WITH_CLOSER BUG_QUIET_LEAVE          # the last one out does not tell close
fails handoff WITH_CLOSER BUG_LATE_LOOK            # the pool is looked at after the model is back
fails handoff WITH_OUTSIDER BUG_TWICE              # a cancel does not look for a verdict
fails handoff WITH_OUTSIDER BUG_CANCEL_QUEUED      # a cancel forgets the queue
fails handoff NT=3 ROUNDS=1 BUG_YOUNGEST           # the last to come is served first
fails deadlock BUG_SHOWN_LATE                      # walked from before it is shown
fails deadlock BUG_SHOWN_EARLY                     # shown before it is queued
fails deadlock BUG_FILTER                          # who holds one model need not be shown
fails deadlock S0=2 SHRINK BUG_FREE_IS_GONE        # a free slot counts for nothing
fails deadlock TIMED BUG_NEWEST                    # always the last to come is refused
fails deadlock TIMED BUG_REFUSE_BLIND              # refused without a look for a verdict
fails deadlock S0=2 SHRINK BUG_NO_REVIEW           # a model goes for good, and nobody looks
fails deadlock NT=3 BUG_NO_LOCK                    # two walks at once
fails deadlock NT=3 BUG_HIDDEN_LATE                # hidden after its memory is gone
fails deadlock NT=3 BUG_UNSHOWN_WAITS              # who is not shown counts as waiting
fails deadlock NT=3 S0=2 BUG_TWO_REGIONS           # the verdict and the holders in two regions
LIST
}

# Most explorations are over long before a compiler that optimises would be.
compiler=${CC:-cc}
if [ "${1:-}" = long ]; then
    compiler="$compiler -O1"
elif command -v tcc >/dev/null; then
    compiler=tcc
fi
export compiler

explore_all() {
    LEND_SOURCE_DIR=${here%/tests/models} xargs -P "$(nproc)" -L 1 sh "$here/explore.sh"
}

{
    models
    [ "${1:-}" != long ] || larger_models
    seeded_bugs
} | sed 's/ *#.*//' | explore_all
