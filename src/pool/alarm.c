/* SPDX-License-Identifier: MIT
 *
 * Alarms: leases that are held for long, and waiters to whom nothing comes. Both are told, and
 * neither is acted on: a live borrower's model is never taken from him. */
#include "base/clock.h"
#include "base/text.h"
#include "pool/state.h"

static void look_at_holder(lend_pool *pool, struct slot *slot, int64_t now_ns) {
    uint64_t generation = life_generation(word_read(&slot->life));
    struct slot_holder holder;
    if (slot->alarmed == generation || !slot_holder(slot, &holder) ||
        elapsed_ns(holder.since_ns, now_ns) < pool->options.hold_alarm_ms * NS_PER_MS)
        return;
    slot->alarmed = generation;
    char words[96];
    struct text text = text_into(words, sizeof words);
    lend__text_add_owner(&text, owner_reported_kind(holder.owner), owner_reported_id(holder.owner),
                         owner_tid(holder.owner));
    lend__text_add(&text, " for ");
    lend__text_add_duration(&text, elapsed_ns(holder.since_ns, now_ns));
    lend__pool_event(pool, LEND_EVENT_HELD_LONG, 0, (int)(slot - pool->slots), holder.site, words);
}

static bool is_stalled(lend_pool *pool, int64_t now_ns) {
    lend__lock_acquire(&pool->lock);
    bool stalled =
        pool->locked.waiters.length > 0 && pool->locked.stall_told_ns != pool->locked.progress_ns &&
        elapsed_ns(pool->locked.progress_ns, now_ns) >= pool->options.stall_alarm_ms * NS_PER_MS;
    if (stalled)
        pool->locked.stall_told_ns = pool->locked.progress_ns;
    lend__lock_release(&pool->lock);
    return stalled;
}

static void tell_stall(lend_pool *pool) {
    char words[1024];
    lend_pool_print(pool, words, sizeof words);
    lend__pool_event(pool, LEND_EVENT_STALLED, 0, /* slot= */ -1, /* site= */ NULL, words);
}

/* Four times an interval, so that what is due is told at most a quarter late. */
static lend_deadline next_look(int64_t now_ns, int64_t alarm_ms) {
    return alarm_ms < 0 ? LEND_FOREVER : (lend_deadline){now_ns + alarm_ms * NS_PER_MS / 4};
}

lend_deadline lend__alarms_look(lend_pool *pool) {
    const struct lend_pool_options *options = &pool->options;
    int64_t now_ns = lend__clock_now_ns();
    if (options->hold_alarm_ms >= 0)
        for (uint32_t i = 0; i < pool->slot_count; i++)
            look_at_holder(pool, &pool->slots[i], now_ns);
    if (options->stall_alarm_ms >= 0 && is_stalled(pool, now_ns))
        tell_stall(pool);
    return lend_deadline_earlier(next_look(now_ns, options->hold_alarm_ms),
                                 next_look(now_ns, options->stall_alarm_ms));
}
