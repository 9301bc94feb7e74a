/* SPDX-License-Identifier: MIT
 *
 * Handing a lease from one thread to another: detached it is nobody's, adopted it is the adopter's.
 * The owner's word in the slot is what changes hands; of several who adopt at once, one gets it. */
#include "pool/state.h"

#include <lend/lease.h>

/* The slot of a lease that is valid. 0, ESTALE or EOWNERDEAD. */
static int find_slot(const struct lend_lease *lease, struct slot **ret_slot) {
    if (lease == NULL || lease->model == NULL || lease->slot >= lease->pool->slot_count)
        return ESTALE;
    if (pool_is_foreign(lease->pool))
        return EOWNERDEAD;
    *ret_slot = &lease->pool->slots[lease->slot];
    return slot_is_lent(*ret_slot, lease->generation) ? 0 : ESTALE;
}

/* Nobody's, and of which lease of the slot. */
static owner_word detached(owner_word owner, uint64_t generation) {
    return owner_make(OWNER_DETACHED, owner_tid(owner), generation);
}

/* Is it `self`, which is the calling thread or the job that it runs, or one of its tasks? */
static bool is_here(owner_word owner, owner_word self) {
    return owner == self ||
           (owner_kind(owner) == OWNER_TASK && owner_tid(owner) == owner_tid(self));
}

/* What a task held is a lease like any other from now on. */
static void leave_task(owner_word owner) {
    if (owner_kind(owner) != OWNER_TASK)
        return;
    lend__watch_task_holds(owner_number(owner), -1);
    lend__thread_self.task_held--;
}

int lend_lease_detach(struct lend_lease *lease) {
    struct slot *slot;
    int error = find_slot(lease, &slot);
    if (error != 0)
        return error;
    owner_word self = thread_owner(), owner = word_peek(&slot->owner);
    if (!is_here(owner, self))
        return EPERM;
    lend__thread_self.held--;
    leave_task(owner);
    word_publish(&slot->owner, detached(self, lease->generation));
    return 0;
}

/* A detached lease says which one it is in the word that is swapped: it may be given back, and the
 * slot lent and detached again, between a look and the swap. What is here already stays as it is,
 * since nobody else may touch it. */
int lend__slot_adopt(struct slot *slot, uint64_t generation) {
    owner_word self = thread_owner();
    uint64_t before = word_read(&slot->owner);
    do {
        if (!is_here(before, self) && before != detached(before, generation))
            return owner_kind(before) == OWNER_DETACHED ? ESTALE : EPERM;
    } while (!word_swap(&slot->owner, &before, self));
    lend__thread_self.held += owner_kind(before) == OWNER_DETACHED;
    leave_task(before);
    return 0;
}

int lend_lease_adopt(struct lend_lease *lease) {
    struct slot *slot;
    int error = find_slot(lease, &slot);
    if (error != 0)
        return error;
    if (word_peek(&slot->owner) == thread_owner())
        return 0;
    if (!thread_end_is_seen())
        return ENOMEM;
    return lend__slot_adopt(slot, lease->generation);
}
