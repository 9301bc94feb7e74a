/* SPDX-License-Identifier: MIT
 *
 * Waiting for one or all of several futures. Each member is decided like any waiter, once; what it
 * wakes is the thread that sleeps for all of them, and that one leaves when it has counted as many
 * wakes as there are members that others decided. */
#include "exec/several.h"

#include "base/clock.h"
#include "base/memory.h"
#include "exec/deadlock.h"

/* Of a member that was decided; no lock is held. After it, the thread may be gone with all. */
static void tell(struct waiter *waiter, struct list *woken) {
    (void)woken;
    struct several *several = list_entry(waiter, struct member, waiter)->several;
    lend__lock_acquire(&several->lock);
    several->told++;
    lend__parker_wake(&several->parker);
    lend__lock_release(&several->lock);
}

static uint32_t count_told(struct several *several) {
    lend__lock_acquire(&several->lock);
    uint32_t told = several->told;
    lend__lock_release(&several->lock);
    return told;
}

/* Into all lines, up to the first that is decided already: its place then, or the count. */
static uint32_t enter(struct several *several) {
    uint32_t i = 0;
    for (bool decided = false; i < several->count; i++) {
        struct member *member = &several->members[i];
        struct lend_executor *executor = member->task->executor;
        lend__lock_acquire(&executor->lock);
        decided = task_is_decided(member->task);
        if (!decided)
            list_append(&member->task->future.waiters, &member->waiter.node);
        lend__lock_release(&executor->lock);
        if (decided)
            break;
    }
    return i;
}

/* Out of the lines of the first `entered` again. The first that was decided, or the count; in
 * *ret_deadlock, whether one was decided as that. */
static uint32_t leave(struct several *several, uint32_t entered, bool *ret_deadlock) {
    uint32_t first = several->count;
    uint32_t owed = 0;
    for (uint32_t i = 0; i < entered; i++) {
        struct member *member = &several->members[i];
        struct lend_executor *executor = member->task->executor;
        lend__lock_acquire(&executor->lock);
        enum verdict verdict = member->waiter.verdict;
        if (verdict == VERDICT_WAITING)
            list_remove(&member->task->future.waiters, &member->waiter.node);
        lend__lock_release(&executor->lock);
        owed += verdict != VERDICT_WAITING;
        *ret_deadlock = *ret_deadlock || verdict == VERDICT_DEADLOCK;
        if (verdict == VERDICT_GRANTED && first == several->count)
            first = i;
    }
    while (count_told(several) < owed)
        lend__parker_sleep(&several->parker, LEND_FOREVER);
    return first;
}

static void sleep_in_sight(struct several *several, lend_deadline deadline) {
    if (deadline_is_now(deadline) || !thread_may_be_awaited()) {
        lend__parker_sleep(&several->parker, deadline);
        return;
    }
    struct wait wait;
    lend__several_show(several, deadline, &wait);
    lend__parker_sleep(&several->parker, deadline);
    lend__future_wait_hide(several->members[0].task, &wait);
}

static int wait_for_any(struct several *several, lend_deadline deadline, size_t *ret_index) {
    bool deadlock = false;
    uint32_t decided = enter(several);
    bool sleeps = decided == several->count;
    bool refused = sleeps && lend__thread_self.never_blocks && !deadline_is_now(deadline);
    if (sleeps && !refused)
        sleep_in_sight(several, deadline);
    uint32_t woken = leave(several, decided, &deadlock);
    if (woken < decided)
        decided = woken;
    if (decided < several->count) {
        *ret_index = several->members[decided].index;
        return 0;
    }
    if (deadlock)
        return EDEADLK;
    if (refused)
        return EWOULDBLOCK;
    return deadline_is_now(deadline) ? EBUSY : ETIMEDOUT;
}

static struct several *new_several(lend_future *const *futures, size_t count) {
    struct several *several =
        lend__memory_new(sizeof *several + count * sizeof several->members[0]);
    if (several == NULL)
        return NULL;
    if (lend__lock_init(&several->lock) != 0) {
        lend__memory_free(several);
        return NULL;
    }
    parker_init(&several->parker);
    for (size_t i = 0; i < count; i++) {
        if (futures[i] == NULL)
            continue;
        struct member *member = &several->members[several->count++];
        waiter_init_told(&member->waiter, tell);
        member->several = several;
        member->task = task_of_future(futures[i]);
        member->index = i;
    }
    return several;
}

static void free_several(struct several *several) {
    parker_deinit(&several->parker);
    lend__lock_deinit(&several->lock);
    lend__memory_free(several);
}

static lend_future *first_of(lend_future *const *futures, size_t count) {
    size_t i = 0;
    while (i < count && futures[i] == NULL)
        i++;
    return i < count ? futures[i] : NULL;
}

static bool any_is_foreign(lend_future *const *futures, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (futures[i] != NULL && executor_is_foreign(task_of_future(futures[i])->executor))
            return true;
    return false;
}

int lend_future_wait_any(lend_future *const *futures, size_t count, lend_deadline deadline,
                         size_t *ret_index) {
    if (futures == NULL || ret_index == NULL || count > UINT32_MAX)
        return EINVAL;
    lend_future *future = first_of(futures, count);
    if (future == NULL)
        return EINVAL;
    if (any_is_foreign(futures, count))
        return EOWNERDEAD;
    struct several *several = new_several(futures, count);
    if (several == NULL)
        return ENOMEM;
    int shield = lend__thread_shield();
    deadline =
        deadline_or_default(deadline, task_of_future(future)->executor->options.job_ms_default);
    int error = wait_for_any(several, deadline, ret_index);
    lend__thread_unshield(shield);
    free_several(several);
    return error;
}

int lend_future_wait_all(lend_future *const *futures, size_t count, lend_deadline deadline) {
    int error = futures == NULL && count > 0 ? EINVAL : 0;
    lend_future *first = error == 0 ? first_of(futures, count) : NULL;
    if (first == NULL)
        return error;
    deadline =
        deadline_or_default(deadline, task_of_future(first)->executor->options.job_ms_default);
    for (size_t i = 0; i < count && error == 0; i++)
        if (futures[i] != NULL)
            error = lend_future_wait(futures[i], deadline);
    return error;
}
