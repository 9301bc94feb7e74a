/* SPDX-License-Identifier: MIT
 *
 * The invariants of a pool. */
#include "fail.h"
#include "threads.h"
#include "watcher.h"

static enum slot_state state_of(const struct slot *slot) {
    return life_state(slot->life.value);
}

/* EXCL, LIST: the stack is a list of slots that are FREE, each once. Returns its length. */
static uint32_t check_stack(const lend_pool *pool) {
    uint32_t length = 0, seen = 0;
    for (uint32_t i = idle_top(pool->idle.value); i != IDLE_NONE;
         i = (uint32_t)pool->slots[i].next.value, length++) {
        SIM_CHECK("LIST", i < pool->slot_count && (seen & 1u << i) == 0,
                  "slot %u is on the idle stack of \"%s\" twice, or is none", i, pool->name);
        SIM_CHECK("EXCL", state_of(&pool->slots[i]) == SLOT_FREE,
                  "slot %u of \"%s\" is on the idle stack and not FREE", i, pool->name);
        SIM_CHECK("EXCL", pool->slots[i].model != NULL, "slot %u of \"%s\" is idle without a model",
                  i, pool->name);
        seen |= 1u << i;
    }
    return length;
}

static void check_gate(const lend_pool *pool, uint32_t idle) {
    bool shut = (pool->idle.value & IDLE_SHUT) != 0;
    uint32_t waiting = pool->locked.waiters.length;
    SIM_CHECK("GATE",
              shut == (pool->locked.phase != POOL_OPEN || waiting > 0 || pool->locked.minds),
              "the gate of \"%s\" is %s, %u wait", pool->name, shut ? "shut" : "open", waiting);
    SIM_CHECK("WORK", waiting == 0 || idle == 0 || pool->locked.suspended,
              "%u wait for \"%s\", and %u models are idle", waiting, pool->name, idle);
}

static void check_counts(const lend_pool *pool) {
    uint32_t present = 0, living = 0;
    for (uint32_t i = 0; i < pool->slot_count; i++) {
        const struct slot *slot = &pool->slots[i];
        enum slot_state state = state_of(slot);
        SIM_CHECK("CONS", state <= SLOT_LOST, "slot %u of \"%s\" is in no state", i, pool->name);
        present += state != SLOT_ABSENT;
        living += state == SLOT_FREE || state == SLOT_LENT || state == SLOT_RETIRING ||
                  ((state == SLOT_LOADING || state == SLOT_LOST) && slot->failures == 0);
        SIM_CHECK("CONS", !slot->overdue || state == SLOT_LENT || state == SLOT_FREE,
                  "slot %u of \"%s\" is overdue and not LENT", i, pool->name);
    }
    SIM_CHECK("CONS", present <= pool->slot_count, "\"%s\" has too many slots", pool->name);
    SIM_CHECK("HOPE", pool->locked.phase != POOL_OPEN || living > 0 || pool->locked.hopeless,
              "no slot of \"%s\" lives, and it has hope", pool->name);
    SIM_CHECK("HOPE", !pool->locked.hopeless || pool->locked.waiters.length == 0,
              "\"%s\" has no hope, and %u wait", pool->name, pool->locked.waiters.length);
}

/* OWN: whoever holds a model is alive, or has detached it. */
static void check_owners(const lend_pool *pool) {
    for (uint32_t i = 0; i < pool->slot_count; i++) {
        owner_word owner = pool->slots[i].owner.value;
        if (state_of(&pool->slots[i]) != SLOT_LENT || owner_kind(owner) == OWNER_DETACHED)
            continue;
        uint32_t place = owner_tid(owner) - 1;
        SIM_CHECK("OWN", place < THREADS_MAX && machine.threads[place].state != SIM_NONE &&
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
    check_gate(watched->pool, check_stack(watched->pool));
    check_counts(watched->pool);
    check_owners(watched->pool);
    check_queue(watched);
}

void check_pool_word_written(const struct watched_pool *watched, const struct word *word) {
    if (word != &watched->pool->idle)
        return;
    uint32_t idle = check_stack(watched->pool);
    if (watched->pool->lock.holder == 0)
        check_gate(watched->pool, idle);
}
