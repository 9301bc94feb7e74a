/* SPDX-License-Identifier: MIT
 *
 * Acquire: one swap if a model is free and nobody waits, else a place in the queue.
 *
 * The slow path: arrive (under the lock: refused, served or queued), wait, and leave; who got
 * nothing under the lock again, so that close knows when the last one is out. */
#include "base/clock.h"
#include "base/memory.h"
#include "base/probe.h"
#include "pool/deadlock.h"
#include "pool/state.h"

#include <lend/lease.h>

static inline struct lend_lease granted_lease(lend_pool *pool, uint32_t index,
                                              const struct slot *slot, uint64_t generation) {
    return (struct lend_lease){
        .model = slot->model,
        .report = NULL,
        .pool = pool,
        .generation = generation,
        .slot = index,
        .error = 0,
    };
}

static void remember(const lend_pool *pool, uint32_t index) {
    *thread_last_slot(pool) = (struct last_slot){pool->number, &pool->slots[index], index};
}

int lend__verdict_error(enum verdict verdict) {
    static const int errors[] = {
        [VERDICT_WAITING] = EINPROGRESS, [VERDICT_GRANTED] = 0,
        [VERDICT_TIMED_OUT] = ETIMEDOUT, [VERDICT_CANCELLED] = ECANCELED,
        [VERDICT_CLOSED] = ESHUTDOWN,    [VERDICT_BROKEN] = EIO,
        [VERDICT_DEADLOCK] = EDEADLK,
    };
    return errors[verdict];
}

/* Under the lock: what was put back since the borrower looked. Then settle. */
static bool take_idle(lend_pool *pool, struct borrower *self) {
    lend__pool_shut(pool);
    struct list_node *node = list_pop(&pool->locked.idle);
    if (node == NULL)
        return false;
    struct slot *slot = list_entry(node, struct slot, entry);
    self->slot = (uint32_t)(slot - pool->slots);
    self->generation = gate_lend(slot);
    slot_tell(slot, self->generation, borrower_to_be_lent(self), self->site,
              lend__clock_coarse_ns());
    return true;
}

int lend__borrower_arrive(lend_pool *pool, struct borrower *self, lend_deadline deadline) {
    struct list *waiters = &pool->locked.waiters;
    if (pool->locked.phase != POOL_OPEN)
        return ESHUTDOWN;
    if (self->cancel != NULL && self->cancel->asked)
        return ECANCELED;
    if (waiters->length == 0 && !pool->locked.suspended && take_idle(pool, self))
        return 0;
    if (pool->locked.hopeless)
        return EIO;
    if (deadline_is_now(deadline))
        return EBUSY;
    if (self->waiter.tell == NULL && lend__thread_self.never_blocks)
        return EWOULDBLOCK;
    if (waiters->length >= pool->waiters_max)
        return ENOBUFS;
    if (waiters->length == 0)
        pool->locked.progress_ns = lend__clock_coarse_ns();
    list_append(waiters, &self->waiter.node);
    if (self->cancel != NULL)
        self->cancel->borrower = self;
    pool->locked.queued++;
    return EINPROGRESS;
}

/* Until there is a verdict. At the deadline the borrower decides itself, unless somebody was
 * faster: then that verdict stands, a grant too, and its wake is on the way. */
static void sleep_until_verdict(lend_pool *pool, struct borrower *self, lend_deadline deadline) {
    if (waiter_sleep(&self->waiter, deadline))
        return;
    struct list woken = {0};
    lend__lock_acquire(&pool->lock);
    bool decided = waiter_is_decided(&self->waiter);
    if (!decided) {
        list_remove(&pool->locked.waiters, &self->waiter.node);
        self->waiter.verdict = VERDICT_TIMED_OUT;
        lend__pool_settle(pool, &woken);
    }
    lend__lock_release(&pool->lock);
    lend__waiters_wake(&woken);
    if (decided)
        waiter_finish(&self->waiter);
}

/* The same, in sight of the watch if others may be waiting for this thread. Returns the steps of
 * the deadlock, if that is the verdict and there was memory for them. */
static struct steps *wait_for_verdict(lend_pool *pool, struct borrower *self,
                                      lend_deadline deadline) {
    if (!thread_may_be_awaited()) {
        sleep_until_verdict(pool, self, deadline);
        return NULL;
    }
    struct wait wait;
    lend__borrower_show(pool, self, deadline, &wait);
    sleep_until_verdict(pool, self, deadline);
    lend__watch_hide(&wait);
    return wait.steps;
}

void lend__borrower_leave(lend_pool *pool, struct borrower *self, int error) {
    pool->locked.timeouts += error == ETIMEDOUT;
    if (error == ETIMEDOUT)
        PROBE(timeout, pool->name, -1);
    pool->locked.refusals += error != 0 && error != ETIMEDOUT;
    if (self->cancel != NULL)
        self->cancel->borrower = NULL;
    if (self->timer.heap != NULL)
        lend__heap_remove(&pool->locked.timers, &self->timer);
    list_remove(&pool->locked.visitors, &self->visit);
    if (pool->locked.closer != NULL && lend__pool_is_drained(pool))
        lend__parker_wake(pool->locked.closer);
}

static struct lend_lease fail_and_leave(lend_pool *pool, struct borrower *self, int error,
                                        int64_t waited_ns, const struct steps *steps) {
    struct lend_lease lease = {.error = error};
    if (error != ECANCELED)
        lease.report = lend__report_take(pool, REPORT_OF_BORROW, error, waited_ns, steps);
    lend__lock_acquire(&pool->lock);
    lend__borrower_leave(pool, self, error);
    lend__lock_release(&pool->lock);
    return lease;
}

/* Under the lock, which is left in between. A thread that has handed its model to a waiter, and
 * wants another one while there is none, lets other threads have its core once before it queues.
 * Otherwise the queue never empties: each model goes to a thread that sleeps, the one that gave it
 * queues and sleeps, and each lease costs two threads the way through the kernel (a convoy, see
 * sync/lock.c). This way those run who have models.
 *
 * Order is that of the queue, which this thread has not joined yet. What it waits here is how the
 * kernel shares out cores, which would else interrupt one of its next leases. It has empty hands
 * then, so nobody waits for it. */
static bool gives_way(lend_pool *pool, lend_deadline deadline) {
    bool queues = pool->locked.phase == POOL_OPEN && pool->locked.idle.length == 0 &&
                  !deadline_is_now(deadline);
    if (lend__thread_self.handed_on != pool->number || lend__thread_self.held > 0 ||
        lend__thread_self.never_blocks || !queues)
        return false;
    lend__thread_self.handed_on = 0;
    lend__lock_release(&pool->lock);
    lend__thread_gives_way();
    lend__lock_acquire(&pool->lock);
    return true;
}

/* Who is lent a model has left by then, in the region in which he was: what he does until he gives
 * it back, the pool outlives. */
static struct lend_lease acquire_slowly(lend_pool *pool, lend_deadline deadline,
                                        struct borrower *self) {
    struct list woken = {0};
    int64_t began_ns = lend__clock_now_ns();
    deadline = deadline_or_default(deadline, pool->options.wait_ms_default);

    lend__lock_acquire(&pool->lock);
    list_append(&pool->locked.visitors, &self->visit);
    bool gave_way = gives_way(pool, deadline);
    int error = lend__borrower_arrive(pool, self, deadline);
    bool queued = error == EINPROGRESS;
    pool->locked.queued += gave_way && !queued;
    if (error == 0)
        lend__borrower_leave(pool, self, 0);
    lend__pool_settle(pool, &woken);
    lend__lock_release(&pool->lock);
    lend__waiters_wake(&woken);

    struct steps *steps = NULL;
    if (queued) {
        steps = wait_for_verdict(pool, self, deadline);
        error = lend__verdict_error(self->waiter.verdict);
    }
    int64_t waited_ns = lend__clock_now_ns() - began_ns;
    if (queued || gave_way)
        pool_count_wait(pool, waited_ns);
    struct lend_lease lease =
        error == 0 ? granted_lease(pool, self->slot, &pool->slots[self->slot], self->generation)
                   : fail_and_leave(pool, self, error, waited_ns, steps);
    lend__memory_free(steps);
    return lease;
}

/* For want of what makes the end of the thread seen: no visitor, nothing to report. */
static struct lend_lease fail_without_memory(lend_pool *pool) {
    lend__lock_acquire(&pool->lock);
    pool->locked.refusals++;
    lend__lock_release(&pool->lock);
    return (struct lend_lease){.error = ENOMEM};
}

static struct lend_lease wait_in_line(lend_pool *pool, lend_deadline deadline,
                                      const struct lend_site *site, struct borrow_cancel *cancel) {
    if (pool_is_foreign(pool))
        return (struct lend_lease){.error = EOWNERDEAD};
    struct borrower self = {.owner = thread_owner(),
                            .since_ns = lend__clock_coarse_ns(),
                            .site = site,
                            .cancel = cancel};
    if (!thread_end_is_seen())
        return fail_without_memory(pool);
    waiter_init(&self.waiter);
    int shield = lend__thread_shield();
    struct lend_lease lease = acquire_slowly(pool, deadline, &self);
    lend__thread_unshield(shield);
    waiter_deinit(&self.waiter);
    if (lend_lease_ok(&lease)) {
        lend__thread_self.held++;
        remember(pool, lease.slot);
    }
    return lease;
}

/* The slot that the thread has just taken. */
static inline struct lend_lease begin_lease(lend_pool *pool, struct slot *slot, uint32_t index,
                                            uint64_t generation, owner_word owner,
                                            const struct lend_site *site, int64_t now_ns) {
    if (SLOT_ACCOUNTED)
        slot_tell(slot, generation, owner, site, now_ns);
    lend__thread_self.held++;
    PROBE(acquire, pool->name, (int)index);
    return granted_lease(pool, index, slot, generation);
}

/* Take a slot that is free and open: the one that this thread had last, whose lines and whose model
 * are in its core's cache; else from where the thread's number has the walk begin, so that threads
 * begin at different ones. It is the thread's last one then. Its generation, or 0 if there is
 * none. */
static uint64_t take_any(lend_pool *pool, owner_word owner) {
    uint64_t generation;
    const struct last_slot *last = thread_last_slot(pool);
    if (last->pool_number == pool->number && (generation = gate_take(last->slot)) != 0)
        return generation;
    uint32_t count = pool->slot_count;
    uint32_t first = (uint32_t)((owner_number(owner) - 1) % count);
    for (uint32_t i = 0; i < count && word_peek(&pool->gate) == 0; i++) {
        uint32_t index = first + i < count ? first + i : first + i - count;
        if ((generation = gate_take(&pool->slots[index])) != 0) {
            remember(pool, index);
            return generation;
        }
    }
    return 0;
}

__attribute__((__noinline__)) static struct lend_lease acquire_any(lend_pool *pool,
                                                                   lend_deadline deadline,
                                                                   const struct lend_site *site,
                                                                   struct borrow_cancel *cancel) {
    owner_word owner = thread_owner();
    uint64_t generation = thread_end_is_seen() ? take_any(pool, owner) : 0;
    const struct last_slot *last = thread_last_slot(pool);
    if (generation != 0)
        return begin_lease(pool, last->slot, last->index, generation, owner, site,
                           pool_now_ns(pool));
    return wait_in_line(pool, deadline, site, cancel);
}

/* No walk over the slots, since a lock of the caller's is held. */
bool lend__acquire_again(lend_pool *pool, const struct lend_site *site,
                         struct lend_lease *ret_lease) {
    const struct last_slot *last = thread_last_slot(pool);
    uint64_t generation;
    if (last->pool_number != pool->number || word_peek(&pool->gate) != 0 ||
        (generation = gate_take(last->slot)) == 0)
        return false;
    *ret_lease = begin_lease(pool, last->slot, last->index, generation, lend__thread_self.owner,
                             site, pool_now_ns(pool));
    return true;
}

/* First of all, what a pool that is lent very often can do without a call and on few registers. */
__attribute__((__always_inline__)) static inline struct lend_lease
acquire(lend_pool *pool, lend_deadline deadline, const struct lend_site *site,
        struct borrow_cancel *cancel) {
    if (__builtin_expect(pool == NULL, 0))
        return (struct lend_lease){.error = EINVAL};
    const struct last_slot *last = thread_last_slot(pool);
    int64_t now_ns = (int64_t)word_peek(&pool->tick_ns);
    if (last->pool_number == pool->number && (now_ns != 0 || !SLOT_ACCOUNTED)) {
        struct slot *slot = last->slot;
        uint32_t index = last->index;
        uint64_t generation = gate_take(slot);
        if (generation != 0)
            return begin_lease(pool, slot, index, generation, lend__thread_self.owner, site,
                               now_ns);
    }
    return acquire_any(pool, deadline, site, cancel);
}

struct lend_lease lend__acquire(lend_pool *pool, lend_deadline deadline,
                                const struct lend_site *site, struct borrow_cancel *cancel) {
    return acquire(pool, deadline, site, cancel);
}

void lend__acquire_cancel(lend_pool *pool, struct borrow_cancel *cancel) {
    struct list woken = {0};
    lend__lock_acquire(&pool->lock);
    cancel->asked = true;
    struct borrower *borrower = cancel->borrower;
    if (borrower != NULL && !waiter_is_decided(&borrower->waiter)) {
        waiter_decide(&borrower->waiter, VERDICT_CANCELLED, &pool->locked.waiters, &woken);
        lend__pool_settle(pool, &woken);
    }
    lend__lock_release(&pool->lock);
    lend__waiters_wake(&woken);
}

struct lend_lease lend_acquire_at(lend_pool *pool, lend_deadline deadline,
                                  const struct lend_site *site) {
    return acquire(pool, deadline, site, /* cancel= */ NULL);
}

struct lend_lease(lend_acquire)(lend_pool *pool, lend_deadline deadline) {
    return acquire(pool, deadline, /* site= */ NULL, /* cancel= */ NULL);
}
