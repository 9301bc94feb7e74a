/* SPDX-License-Identifier: MIT
 *
 * The invariants of a pool (pool/state.h). */
#include "fail.h"
#include "threads.h"
#include "watcher.h"

#include "pool/mender.h"

static enum slot_state state_of(const struct slot *slot) {
    return life_state(slot->life.value);
}

static bool is_shut(const struct slot *slot) {
    return (slot->life.value & LIFE_SHUT) != 0;
}

/* GATE, LISTS, WORK: of one slot, whenever the lock is free. */
static void check_slot(const lend_pool *pool, uint32_t i) {
    const struct slot *slot = &pool->slots[i];
    enum slot_state state = state_of(slot);
    uint32_t waiting = pool->locked.waiters.length;
    bool all_shut = pool->locked.phase != POOL_OPEN || waiting > 0 || pool->locked.minds;
    SIM_CHECK("GATE", !all_shut || is_shut(slot), "slot %u of \"%s\" is open, and %u wait", i,
              pool->name, waiting);
    SIM_CHECK("GATE", all_shut || state != SLOT_FREE || !is_shut(slot),
              "slot %u of \"%s\" is free, shut, and nobody waits", i, pool->name);
    SIM_CHECK("GATE", state == SLOT_FREE || state == SLOT_LENT || is_shut(slot),
              "slot %u of \"%s\" is open, and neither FREE nor LENT", i, pool->name);
    const struct list *list = !is_shut(slot)       ? &pool->locked.open
                              : state == SLOT_FREE ? &pool->locked.idle
                                                   : NULL;
    SIM_CHECK("LISTS", slot->entry.list == list, "slot %u of \"%s\" is in the wrong list", i,
              pool->name);
    SIM_CHECK("WORK", waiting == 0 || state != SLOT_FREE || pool->locked.suspended,
              "%u wait for \"%s\", and slot %u is free", waiting, pool->name, i);
    SIM_CHECK("EXCL", (state != SLOT_FREE && state != SLOT_LENT) || slot->model != NULL,
              "slot %u of \"%s\" is without a model", i, pool->name);
}

static uint32_t menders_of(const lend_pool *pool, const struct slot *slot) {
    uint32_t menders = 0;
    for (const struct list_node *node = pool->locked.menders.first; node != NULL;
         node = node->next) {
        const struct mender *mender = list_entry(node, struct mender, node);
        menders += mender->state == MENDER_BUSY && mender->chore.slot == slot;
    }
    return menders;
}

static void check_counts(const lend_pool *pool) {
    uint32_t present = 0, living = 0;
    for (uint32_t i = 0; i < pool->slot_count; i++) {
        const struct slot *slot = &pool->slots[i];
        enum slot_state state = state_of(slot);
        SIM_CHECK("CONS", state <= SLOT_LOST, "slot %u of \"%s\" is in no state", i, pool->name);
        present += state != SLOT_ABSENT;
        living +=
            state == SLOT_FREE || state == SLOT_LENT || (state == SLOT_RETIRING && !slot->stuck) ||
            ((state == SLOT_LOADING || state == SLOT_LOST) && slot->failures == 0 && !slot->stuck);
        SIM_CHECK("MENDED", (slot->work != WORK_NONE) == (menders_of(pool, slot) == 1),
                  "slot %u of \"%s\" has %u menders", i, pool->name, menders_of(pool, slot));
        SIM_CHECK("CONS", !slot->overdue || state == SLOT_LENT || state == SLOT_FREE,
                  "slot %u of \"%s\" is overdue and not LENT", i, pool->name);
    }
    SIM_CHECK("CONS", present <= pool->slot_count, "\"%s\" has too many slots", pool->name);
    SIM_CHECK("CLOSED", pool->locked.phase == POOL_OPEN || pool->locked.waiters.length == 0,
              "\"%s\" is closing, and %u wait", pool->name, pool->locked.waiters.length);
    SIM_CHECK("HOPE", pool->locked.phase != POOL_OPEN || living > 0 || pool->locked.hopeless,
              "no slot of \"%s\" lives, and it has hope", pool->name);
    SIM_CHECK("HOPE", !pool->locked.hopeless || pool->locked.waiters.length == 0,
              "\"%s\" has no hope, and %u wait", pool->name, pool->locked.waiters.length);
}

/* Is it known who has it? */
static bool is_told(const struct slot *slot) {
    return slot->told.value == life_generation(slot->life.value);
}

/* OWN: whoever holds a model is alive, has detached it, or is still to be told. */
static void check_owners(const lend_pool *pool) {
    for (uint32_t i = 0; i < pool->slot_count; i++) {
        owner_word owner = pool->slots[i].owner.value;
        if (state_of(&pool->slots[i]) != SLOT_LENT || !is_told(&pool->slots[i]) ||
            owner_kind(owner) == OWNER_DETACHED || owner_tid(owner) == 0) /* in a queue */
            continue;
        uint32_t place = owner_tid(owner) - 1;
        SIM_CHECK("OWN",
                  place < THREADS_MAX && machine.threads[place].state != SIM_NONE &&
                      machine.threads[place].state != SIM_ENDED,
                  "slot %u of \"%s\" is lent to a thread that has ended", i, pool->name);
    }
}

/* FIFO, ONCE: who is not in the queue any more was decided in this region, and is on his stack
 * still; who was granted left nobody behind who had come before. */
static void check_queue(struct watched_pool *watched) {
    lend_pool *pool = watched->pool;
    const struct list_node *node = pool->locked.waiters.first;
    bool left_behind = false;
    for (uint32_t i = 0; i < watched->wait_count; i++) {
        const struct watched_wait *wait = &watched->waits[i];
        enum verdict verdict = wait->waiter->verdict;
        if (node == &wait->waiter->node) {
            SIM_CHECK("ONCE", verdict == VERDICT_WAITING, "%s is queued and decided",
                      wait->thread->name);
            node = node->next;
            left_behind = true;
            continue;
        }
        SIM_CHECK("ONCE", verdict != VERDICT_WAITING, "%s is not queued and not decided",
                  wait->thread->name);
        SIM_CHECK("FIFO", verdict != VERDICT_GRANTED || !left_behind,
                  "%s was granted before one who came first", wait->thread->name);
        if (verdict == VERDICT_DEADLOCK)
            check_refusal(wait, pool);
    }
    watched->wait_count = 0;
    for (node = pool->locked.waiters.first; node != NULL; node = node->next) {
        struct waiter *waiter = list_entry(node, struct waiter, node);
        SIM_CHECK("ROOM", watched->wait_count < WATCHED_WAITS, "too many wait");
        watched->waits[watched->wait_count++] =
            (struct watched_wait){.waiter = waiter, .thread = sim_thread_of(waiter)};
    }
}

void check_pool_lock_left(struct watched_pool *watched) {
    for (uint32_t i = 0; i < watched->pool->slot_count; i++)
        check_slot(watched->pool, i);
    check_counts(watched->pool);
    check_owners(watched->pool);
    check_queue(watched);
}

/* What is shut is changed by the holder of the lock alone; and only what is open and FREE is taken
 * without it, and only what is open and LENT put back. */
static void check_change(const lend_pool *pool, uint32_t i, uint64_t before, uint64_t now) {
    enum slot_state from = life_state(before), to = life_state(now);
    if (pool->lock.holder == sim_tid(machine.running))
        return;
    SIM_CHECK("GATE", (before & LIFE_SHUT) == 0 && (now & LIFE_SHUT) == 0,
              "%s changed slot %u of \"%s\" behind its gate", machine.running->name, i, pool->name);
    bool taken =
        from == SLOT_FREE && to == SLOT_LENT && life_generation(now) == life_generation(before) + 1;
    bool put =
        from == SLOT_LENT && to == SLOT_FREE && life_generation(now) == life_generation(before);
    bool renewed =
        from == SLOT_LENT && to == SLOT_LENT && life_generation(now) == life_generation(before) + 1;
    SIM_CHECK("EXCL", taken || put || renewed, "%s changed slot %u of \"%s\" from %llx to %llx",
              machine.running->name, i, pool->name, (unsigned long long)before,
              (unsigned long long)now);
}

void check_pool_word_written(struct watched_pool *watched, const struct word *word) {
    const lend_pool *pool = watched->pool;
    const char *at = (const char *)word, *first = (const char *)pool->slots;
    if (at < first || at >= first + pool->slot_count * sizeof *pool->slots)
        return;
    uint32_t i = (uint32_t)((size_t)(at - first) / sizeof *pool->slots);
    if (word != &pool->slots[i].life)
        return;
    check_change(pool, i, watched->lives[i], word->value);
    watched->lives[i] = word->value;
    if (pool->lock.holder == 0)
        check_slot(pool, i);
}
