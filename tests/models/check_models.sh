#!/bin/sh
# SPDX-License-Identifier: MIT
#
#     sh check_models.sh [long]
#
# The protocols that everything rests on, each in a model that Spin explores to its last state: who
# gets a model next (handoff.pml), which wait is refused as a deadlock (deadlock.pml), and how jobs
# come in and are kept in time (inbox.pml). Then each of their seeded bugs, which must be found: what
# cannot fail proves nothing. `long` explores larger sizes too.
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
holds inbox NS=2 NW=2
holds inbox NS=2 NW=1 QMAX=1
holds inbox NS=2 NW=1 WITH_CLOSER
holds inbox NS=1 NW=1 ROUNDS=2 TIMED
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
holds inbox NS=2 NW=2 WITH_CLOSER
holds inbox NS=3 NW=1 QMAX=1
holds inbox NS=2 NW=1 TIMED
holds inbox NS=2 NW=1 QMAX=1 TIMED
holds inbox NS=1 NW=2 ROUNDS=2 TIMED
holds inbox NS=1 NW=1 ROUNDS=2 TIMED WITH_CLOSER
fails inbox NS=2 NW=1 QMAX=1 TIMED BUG_ALARM_UNREAD  # until when it sleeps is not looked at
fails inbox NS=2 NW=1 QMAX=1 TIMED BUG_NOT_PASSED_ON # the gate is not touched before the look
fails inbox NS=2 NW=1 QMAX=1 TIMED BUG_SAID_LATE     # said only after the look into the inbox
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
fails handoff BUG_STAYS_INSIDE                     # who was granted counts as inside for ever
fails handoff WITH_OUTSIDER BUG_STAYS_LINKED       # who was granted is reached by a cancel, and gone
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
fails inbox NS=2 NW=1 BUG_BACK_WITHOUT_ROOM        # a worker comes back, and there is no more room
fails inbox NS=2 NW=1 BUG_CALLED_ASLEEP            # the mark is taken, and the sentry not woken
fails inbox NS=2 NW=1 BUG_CALLED_TWICE             # a sentry that is on its way is called again
fails inbox NS=2 NW=1 BUG_COUNT_APART              # a look for room, and then one more
fails inbox NS=2 NW=1 ROUNDS=2 BUG_ENTER_PAST      # in past a shut gate
fails inbox NS=2 NW=1 BUG_GATE_OPEN                # the gate is open while somebody waits
fails inbox NS=1 NW=1 ROUNDS=2 TIMED WITH_CLOSER BUG_GIVEN_UP_ASLEEP # given up, and nobody to tell
fails inbox NS=1 NW=1 ROUNDS=2 TIMED BUG_GIVEN_UP_ROOM # given up, and its room stays taken
fails inbox NS=2 NW=1 BUG_MARK_BLINDLY             # a mark over a job that came meanwhile
fails inbox NS=2 NW=1 BUG_MARK_STAYS               # a job is pushed under the mark
fails inbox NS=2 NW=2 BUG_NEWEST_FIRST             # the inbox is not turned round
fails inbox NS=2 NW=1 QMAX=1 TIMED BUG_NO_SECOND_LOOK # who has entered and not pushed is not seen
fails inbox NS=2 NW=1 WITH_CLOSER BUG_NO_VISITORS  # freed under who is inside
fails inbox NS=2 NW=1 WITH_CLOSER BUG_QUIET_LEAVE  # the last one out does not tell close
fails inbox NS=1 NW=1 ROUNDS=2 TIMED BUG_RUNS_UNWATCHED # what runs is not learnt of
fails inbox NS=1 NW=1 ROUNDS=2 TIMED BUG_RUN_UNMINDED # a run that begins late is not minded
fails inbox NS=2 NW=2 WITH_CLOSER BUG_SENTRY_ENDED # a sentry ends though its mark was taken
fails inbox NS=1 NW=1 ROUNDS=2 TIMED WITH_CLOSER BUG_STARTS_STOPPED # started after all was stopped
fails inbox NS=2 NW=2 BUG_TWO_SENTRIES             # a sentry is relieved though its mark was taken
fails inbox NS=2 NW=1 WITH_CLOSER BUG_UNPUSHED     # closed while a job is on its way in
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
