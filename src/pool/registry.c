/* SPDX-License-Identifier: MIT
 *
 * The registry, and how leases that were left behind are found in it: by walking the slots, which
 * know their owners. It is walked only for an owner who is known to have left something, or at the
 * end of a thread. */
#include "pool/registry.h"

#include "base/text.h"
#include "pool/state.h"

static struct registry {
    struct lock lock;  /* before any pool's */
    struct list pools; /* of struct lend_pool.entry; under lock */
} registry = {.lock = LOCK_INIT};

void lend__registry_add(lend_pool *pool) {
    lend__lock_acquire(&registry.lock);
    list_append(&registry.pools, &pool->entry);
    lend__lock_release(&registry.lock);
}

void lend__registry_each(void (*visit)(lend_pool *, void *), void *argument) {
    lend__lock_acquire(&registry.lock);
    for (struct list_node *node = registry.pools.first; node != NULL; node = node->next)
        visit(list_entry(node, struct lend_pool, entry), argument);
    lend__lock_release(&registry.lock);
}

void lend__registry_lock(void) {
    lend__lock_acquire(&registry.lock);
}

void lend__registry_unlock(void) {
    lend__lock_release(&registry.lock);
}

void lend__registry_clear(void (*disown)(lend_pool *)) {
    for (struct list_node *node; (node = list_pop(&registry.pools)) != NULL;)
        disown(list_entry(node, struct lend_pool, entry));
}

void lend__registry_remove(lend_pool *pool) {
    lend__lock_acquire(&registry.lock);
    list_remove(&registry.pools, &pool->entry);
    lend__lock_release(&registry.lock);
}

/* A job is one word; a thread that ends leaves behind what it took as itself and in jobs. */
static bool is_left_by(owner_word holder, owner_word ended) {
    if (owner_kind(ended) == OWNER_JOB)
        return holder == ended;
    return owner_tid(holder) == owner_tid(ended) && owner_kind(holder) != OWNER_DETACHED;
}

/* A slot of this pool that was left: its index, or the pool's number of slots. */
static uint32_t find_left(const lend_pool *pool, owner_word ended) {
    uint32_t i = 0;
    for (; i < pool->slot_count; i++) {
        struct slot_holder holder;
        if (slot_holder(&pool->slots[i], &holder) && is_left_by(holder.owner, ended))
            break;
    }
    return i;
}

/* The owner's own thread asks, so what it holds stays as it is; and a pool with a lent slot is not
 * closed. */
static lend_pool *find_pool(owner_word ended, uint32_t *ret_index) {
    lend_pool *found = NULL;
    lend__lock_acquire(&registry.lock);
    for (struct list_node *node = registry.pools.first; node != NULL && found == NULL;
         node = node->next) {
        lend_pool *pool = list_entry(node, struct lend_pool, entry);
        *ret_index = find_left(pool, ended);
        if (*ret_index < pool->slot_count)
            found = pool;
    }
    lend__lock_release(&registry.lock);
    return found;
}

static void reclaim_from(owner_word ended, const char *words) {
    uint32_t index;
    for (lend_pool *pool; (pool = find_pool(ended, &index)) != NULL;)
        lend__slot_reclaim(pool, index, words);
}

void lend__reclaim_from_job(owner_word job) {
    char words[64];
    struct text text = text_into(words, sizeof words);
    lend__text_add(&text, "job %llu returned with it", (unsigned long long)owner_number(job));
    reclaim_from(job, words);
}

/* All that the thread holds, at its end. */
static void reclaim_from_thread(void) {
    char words[64];
    struct text text = text_into(words, sizeof words);
    if (lend__thread_self.held == 0)
        return;
    owner_word thread = owner_make(OWNER_THREAD, thread_tid(), 0);
    lend__text_add(&text, "thread %u ended with it", owner_tid(thread));
    reclaim_from(thread, words);
}

int lend__registry_prepare(void) {
    return lend__thread_at_end(reclaim_from_thread) == 0 ? lend__fork_prepare() : ENOMEM;
}
