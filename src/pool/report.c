/* SPDX-License-Identifier: MIT
 *
 * Reports: the pool's state at one moment. */
#include "base/clock.h"
#include "base/memory.h"
#include "base/text.h"
#include "pool/state.h"

#include <lend/lease.h>
#include <lend/report.h>
#include <stdlib.h>
#include <string.h>

#define WAITERS_MAX 64

/* The report and its lists are one allocation. A live pool has waiters and no steps, a failure
 * perhaps steps and no waiters: there may be very many failures at once. */
struct report_memory {
    struct lend_report report;
    struct lend_holder holders[]; /* as many as there are slots, and then waiters or steps */
};

static void note_holder(struct report_memory *memory, const struct slot *slot, uint32_t index,
                        int64_t now_ns) {
    struct slot_holder holder;
    if (!slot_holder(slot, &holder))
        return;
    memory->holders[memory->report.holder_count++] = (struct lend_holder){
        .slot = index,
        .kind = owner_reported_kind(holder.owner),
        .id = owner_reported_id(holder.owner),
        .tid = owner_tid(holder.owner),
        .held_ns = elapsed_ns(holder.since_ns, now_ns),
        .site = holder.site,
    };
}

static void note_waiters(const lend_pool *pool, struct report_memory *memory, int64_t now_ns) {
    void *end = &memory->holders[pool->slot_count];
    struct lend_borrower *waiters = end;
    memory->report.waiters = waiters;
    const struct list_node *node = pool->locked.waiters.first;
    for (; node != NULL && memory->report.waiter_count < WAITERS_MAX; node = node->next) {
        const struct borrower *borrower = list_entry(node, struct borrower, waiter.node);
        owner_word owner = borrower_to_be_lent(borrower);
        waiters[memory->report.waiter_count++] = (struct lend_borrower){
            .kind = owner_reported_kind(owner),
            .id = owner_reported_id(owner),
            .tid = owner_tid(borrower->owner),
            .waited_ns = elapsed_ns(borrower->since_ns, now_ns),
            .site = borrower->site,
        };
    }
}

static void count_state(struct lend_report *report, enum slot_state state) {
    report->models += state != SLOT_ABSENT;
    report->free += state == SLOT_FREE;
    report->lent += state == SLOT_LENT;
    report->retiring += state == SLOT_RETIRING;
    report->loading += state == SLOT_LOADING;
    report->lost += state == SLOT_LOST;
}

void lend__text_add_states(struct text *text, const lend_pool *pool) {
    struct lend_report report = {0};
    for (uint32_t i = 0; i < pool->slot_count; i++)
        count_state(&report, slot_state(&pool->slots[i]));
    lend__text_add_counts(text, &report);
}

static void note_work(struct lend_report *report, const struct slot *slot, uint32_t index,
                      int64_t now_ns) {
    report->stuck += slot->stuck;
    if (slot->work == WORK_NONE)
        return;
    int64_t work_ns = elapsed_ns(slot->work_since_ns, now_ns);
    if (report->work_slot >= 0 && work_ns <= report->work_ns)
        return;
    report->work_slot = (int)index;
    report->work = lend__work_words(slot->work);
    report->work_ns = work_ns;
}

/* Why a pool that is to close has not. */
static enum lend_cause cause_of_closing(const struct lend_report *report) {
    if (report->lent > 0)
        return LEND_CAUSE_LEASES;
    if (report->tenant[0] != '\0')
        return LEND_CAUSE_TENANTS;
    if (report->stuck > 0)
        return LEND_CAUSE_STUCK;
    return report->work_slot >= 0 ? LEND_CAUSE_LOADING : LEND_CAUSE_CLOSING;
}

static enum lend_cause likely_cause(const lend_pool *pool, const struct lend_report *report) {
    if (report->error == ESHUTDOWN) /* whatever the close itself waits for */
        return LEND_CAUSE_CLOSING;
    if (report->closing)
        return cause_of_closing(report);
    if (report->error == EDEADLK)
        return LEND_CAUSE_DEADLOCK;
    if (report->error == EIO || pool->locked.hopeless)
        return report->stuck > 0 ? LEND_CAUSE_STUCK : LEND_CAUSE_LOADER;
    if (report->error == ENOBUFS)
        return LEND_CAUSE_CROWD;
    if (report->suspended)
        return LEND_CAUSE_SUSPENDED;
    if (report->error == 0 && report->waiting == 0)
        return LEND_CAUSE_NONE;
    if (report->lent == 0 && report->loading + report->retiring > 0)
        return LEND_CAUSE_LOADING;
    return LEND_CAUSE_HOLDERS;
}

/* Under the lock. */
static void fill(const lend_pool *pool, enum report_of of, struct report_memory *memory) {
    struct lend_report *report = &memory->report;
    int64_t now_ns = lend__clock_now_ns(); /* as the steps of a deadlock have it */
    report->suspended = pool->locked.suspended;
    report->closing =
        of == REPORT_OF_BORROW ? report->error == ESHUTDOWN : pool->locked.phase != POOL_OPEN;
    for (uint32_t i = 0; i < pool->slot_count; i++) {
        count_state(report, slot_state(&pool->slots[i]));
        note_holder(memory, &pool->slots[i], i, now_ns);
        note_work(report, &pool->slots[i], i, now_ns);
    }
    report->waiting = pool->locked.waiters.length;
    if (report->error == 0)
        note_waiters(pool, memory, now_ns);
    report->waiters_max = pool->waiters_max;
    if (report->loading + report->lost + report->stuck > 0 || report->error == EIO)
        report->loader = pool->locked.loader;
    const struct list_node *tenant = pool->locked.tenants.first;
    if (tenant != NULL && report->closing)
        lend__text_copy(report->tenant, sizeof report->tenant,
                        list_entry(tenant, struct tenant, node)->name);
    report->cause = likely_cause(pool, report);
}

static int oldest_first(const void *one, const void *other) {
    const struct lend_holder *a = one, *b = other;
    if (a->held_ns != b->held_ns)
        return a->held_ns < b->held_ns ? 1 : -1;
    return (a->slot > b->slot) - (a->slot < b->slot);
}

static void copy_steps(struct report_memory *memory, uint32_t models, const struct steps *steps) {
    void *end = &memory->holders[models];
    struct lend_step *list = end;
    memcpy(list, steps->list, steps->count * sizeof *list);
    memory->report.steps = list;
    memory->report.step_count = steps->count;
}

struct lend_report *lend__report_take(lend_pool *pool, enum report_of of, int error,
                                      int64_t waited_ns, const struct steps *steps) {
    size_t tail = error == 0 ? WAITERS_MAX * sizeof(struct lend_borrower) : 0;
    if (error != EDEADLK) /* it was to be refused, but something else was faster */
        steps = NULL;
    if (steps != NULL)
        tail = steps->count * sizeof(struct lend_step);
    struct report_memory *memory =
        lend__memory_new(sizeof *memory + pool->slot_count * sizeof *memory->holders + tail);
    if (memory == NULL)
        return NULL;
    if (steps != NULL)
        copy_steps(memory, pool->slot_count, steps);
    struct lend_report *report = &memory->report;
    report->error = error;
    report->waited_ns = waited_ns;
    report->work_slot = -1;
    report->work = "";
    report->holders = memory->holders;
    lend__text_copy(report->pool, sizeof report->pool, pool->name);
    lend__lock_acquire(&pool->lock);
    fill(pool, of, memory);
    lend__lock_release(&pool->lock);
    qsort(memory->holders, report->holder_count, sizeof *memory->holders, oldest_first);
    return report;
}

void lend_report_free(struct lend_report *report) {
    lend__memory_free(report);
}

size_t lend_lease_print(const struct lend_lease *lease, char *buffer, size_t size) {
    struct text text = text_into(buffer, size);
    int error = lend_lease_error(lease);
    const struct lend_report *report = lend_lease_report(lease);
    if (report != NULL)
        lend__text_add_report(&text, report);
    else if (error != 0)
        lend__text_add(&text, "%s: %s", lend_errname(error), lend_strerror(error));
    else if (pool_is_foreign(lease->pool))
        lend__text_add(&text, "a model of the process that forked this one");
    else
        lend__text_add(&text, "pool \"%s\": #%u", lease->pool->name, lease->slot);
    return text.length;
}

/* NULL without a pool to report on, or memory for it. */
static struct lend_report *live_report(lend_pool *pool) {
    if (pool == NULL || pool_is_foreign(pool))
        return NULL;
    return lend__report_take(pool, REPORT_OF_POOL, /* error= */ 0, /* waited_ns= */ 0,
                             /* steps= */ NULL);
}

size_t lend_pool_print(lend_pool *pool, char *buffer, size_t size) {
    struct text text = text_into(buffer, size);
    struct lend_report *report = live_report(pool);
    if (report != NULL)
        lend__text_add_report(&text, report);
    else if (pool == NULL)
        lend__text_add(&text, "no pool");
    else if (pool_is_foreign(pool))
        lend__text_add(&text, "pool of the process that forked this one");
    else
        lend__text_add(&text, "no report");
    lend_report_free(report);
    return text.length;
}

size_t lend_pool_print_json(lend_pool *pool, char *buffer, size_t size) {
    struct lend_report *report = live_report(pool);
    size_t length = lend_report_print_json(report, buffer, size);
    lend_report_free(report);
    return length;
}
