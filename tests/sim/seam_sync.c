/* SPDX-License-Identifier: MIT
 *
 * src/sync once more, on the machine: locks, parkers, words, bells, alerts. What the real ones only
 * assume of their callers is checked here. */
#include "fail.h"
#include "memory.h"
#include "threads.h"
#include "watcher.h"

#include "base/clock.h"
#include "sync/alert.h"
#include "sync/bell.h"
#include "sync/lock.h"
#include "sync/parker.h"
#include "sync/word.h"

static uint32_t self_tid(void) {
    return sim_tid(machine.running);
}

/* locks */

int lend__lock_init(struct lock *lock) {
    *lock = (struct lock)LOCK_INIT;
    balance.locks++;
    return 0;
}

static void check_lock(const struct lock *lock) {
    SIM_CHECK("LOCK", lock->life == LOCK_LIVES, "%s uses a lock that is gone, or never was",
              machine.running->name);
}

void lend__lock_deinit(struct lock *lock) {
    check_lock(lock);
    SIM_CHECK("LOCK", lock->holder == 0, "%s destroys a lock that somebody holds",
              machine.running->name);
    lock->life = 0;
    balance.locks--;
}

void lend__lock_acquire(struct lock *lock) {
    check_lock(lock);
    sim_point("takes a lock", lock);
    SIM_CHECK("LOCK", lock->holder != self_tid(), "%s takes a lock that it holds",
              machine.running->name);
    while (check_lock(lock), lock->holder != 0)
        sim_block("waits for a lock", lock, INT64_MAX);
    lock->holder = self_tid();
    machine.running->locks++;
    sim_changed(&lock->history);
}

void lend__lock_release(struct lock *lock) {
    check_lock(lock);
    SIM_CHECK("LOCK", lock->holder == self_tid(), "%s leaves a lock that it does not hold",
              machine.running->name);
    sim_changed(&lock->history);
    lock->holder = 0;
    machine.running->locks--;
    sim_unblock(lock);
    watcher_lock_left(lock);
    sim_point("has left a lock", lock);
}

/* parkers */

void parker_init(struct parker *parker) {
    *parker = (struct parker){.life = PARKER_LIVES};
    balance.parkers++;
}

void parker_deinit(struct parker *parker) {
    SIM_CHECK("WAKE", parker->life == PARKER_LIVES, "%s destroys a parker that is gone",
              machine.running->name);
    SIM_CHECK("WAKE", parker->sleeper == 0, "%s destroys a parker on which somebody sleeps",
              machine.running->name);
    parker->life = 0;
    balance.parkers--;
}

bool lend__parker_sleep(struct parker *parker, lend_deadline deadline) {
    SIM_CHECK("WAKE", parker->life == PARKER_LIVES && parker->sleeper == 0,
              "%s sleeps on a parker that is gone, or somebody else's", machine.running->name);
    SIM_CHECK("TIME", deadline.at_ns != 0, "%s sleeps without a deadline", machine.running->name);
    SIM_CHECK("LOCK", machine.running->locks == 0, "%s sleeps with a lock in hand",
              machine.running->name);
    sim_point("is about to sleep", parker);
    parker->sleeper = self_tid();
    if (!parker->permit && !deadline_is_now(deadline)) {
        watcher_falls_asleep();
        sim_block("sleeps", parker, deadline.at_ns);
    }
    parker->sleeper = 0;
    bool woken = parker->permit;
    parker->permit = false;
    sim_changed(&parker->history);
    return woken;
}

void lend__parker_wake(struct parker *parker) {
    SIM_CHECK("WAKE", parker->life == PARKER_LIVES, "%s wakes a parker that is gone",
              machine.running->name);
    sim_point("wakes", parker);
    SIM_CHECK("WAKE", parker->life == PARKER_LIVES, "%s wakes a parker that is gone",
              machine.running->name);
    parker->permit = true;
    sim_changed(&parker->history);
    sim_unblock(parker);
    sim_point("has woken", NULL);
}

/* words */

void sim_word_reads(const struct word *word) {
    sim_point("reads", word);
    sim_saw(&word->history);
}

void sim_word_writes(struct word *word) {
    sim_point("writes", word);
    sim_saw(&word->history);
}

void sim_word_counts(struct word *word) {
    sim_word_writes(word);
    if (word->history.run != machine.run)
        word->value = 0;
}

void sim_word_written(struct word *word) {
    sim_changed(&word->history);
    watcher_word_written(word);
    sim_point("has written", NULL);
}

bool sim_word_swap_fails(struct word *word) {
    (void)word;
    return sim_fluke();
}

/* bells: the descriptor says whether it rings */

int lend__bell_init(struct bell *bell) {
    *bell = (struct bell){0};
    balance.bells++;
    return 0;
}

void lend__bell_deinit(struct bell *bell) {
    bell->descriptor = -1;
    balance.bells--;
}

void lend__bell_ring(struct bell *bell) {
    sim_point("rings", bell);
    SIM_CHECK("BELL", bell->descriptor == 0, "%s rings a bell that rings, or is gone",
              machine.running->name);
    bell->descriptor = 1;
    sim_unblock(bell);
}

void lend__bell_hush(struct bell *bell) {
    sim_point("hushes", bell);
    SIM_CHECK("BELL", bell->descriptor == 1, "%s hushes a bell that does not ring",
              machine.running->name);
    bell->descriptor = 0;
}

void sim_bell_wait(const struct bell *bell) {
    sim_point("waits for a bell", bell);
    while (bell->descriptor == 0)
        sim_block("waits for a bell", bell, INT64_MAX);
}

/* alerts */

int lend__alert_init(struct alert *alert) {
    *alert = (struct alert){0};
    return 0;
}

void lend__alert_deinit(struct alert *alert) {
    (void)alert;
}

void lend__alert_raise(struct alert *alert) {
    sim_point("raises", alert);
    alert->raised++;
    sim_changed(&alert->history);
    sim_unblock(alert);
}

void lend__alert_wait(struct alert *alert) {
    sim_point("waits", alert);
    while (alert->raised == 0)
        sim_block("waits", alert, INT64_MAX);
    alert->raised--;
    sim_changed(&alert->history);
}

void lend__alert_clear(struct alert *alert) {
    sim_point("clears", alert);
    alert->raised = 0;
    sim_changed(&alert->history);
}
