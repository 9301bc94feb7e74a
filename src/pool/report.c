/* SPDX-License-Identifier: MIT
 *
 * Reports: the pool's state at one moment, and the words for it. */
#include "base/clock.h"
#include "base/memory.h"
#include "base/text.h"
#include "pool/state.h"

#include <lend/report.h>
#include <stdlib.h>

/* The report and its holders are one allocation. */
struct report_memory {
    struct lend_report report;
    struct lend_holder holders[];
};

static void note_holder(struct report_memory *memory, const struct slot *slot, uint32_t index,
                        int64_t now_ns) {
    struct slot_holder holder;
    if (!slot_holder(slot, &holder))
        return;
    memory->holders[memory->report.holder_count++] = (struct lend_holder){
        .slot = index,
        .kind = owner_kind(holder.owner) == OWNER_JOB ? LEND_OWNER_JOB : LEND_OWNER_THREAD,
        .id = owner_kind(holder.owner) == OWNER_JOB ? owner_number(holder.owner)
                                                    : owner_tid(holder.owner),
        .tid = owner_tid(holder.owner),
        .held_ns = elapsed_ns(holder.since_ns, now_ns),
        .site = holder.site,
    };
}

static void count_state(struct lend_report *report, enum slot_state state) {
    report->free += state == SLOT_FREE;
    report->lent += state == SLOT_LENT;
    report->retiring += state == SLOT_RETIRING;
    report->loading += state == SLOT_LOADING;
    report->lost += state == SLOT_LOST;
}

static enum lend_cause likely_cause(const lend_pool *pool, const struct lend_report *report) {
    if (pool->locked.phase != POOL_OPEN)
        return report->tenant[0] != '\0' && report->lent == 0 ? LEND_CAUSE_TENANTS
                                                             : LEND_CAUSE_CLOSING;
    if (pool->locked.hopeless)
        return LEND_CAUSE_LOADER;
    if (report->error == ENOBUFS)
        return LEND_CAUSE_CROWD;
    if (report->error == 0 && report->waiting == 0)
        return LEND_CAUSE_NONE;
    if (report->lent == 0 && report->loading + report->retiring > 0)
        return LEND_CAUSE_LOADING;
    return LEND_CAUSE_HOLDERS;
}

/* Under the lock. */
static void fill(const lend_pool *pool, struct report_memory *memory) {
    struct lend_report *report = &memory->report;
    int64_t now_ns = lend__clock_coarse_ns();
    report->models = pool->options.models;
    for (uint32_t i = 0; i < report->models; i++) {
        count_state(report, slot_state(&pool->slots[i]));
        note_holder(memory, &pool->slots[i], i, now_ns);
    }
    report->waiting = pool->locked.waiters.length;
    report->waiters_max = pool->waiters_max;
    if (report->loading + report->lost > 0)
        report->loader = pool->locked.loader;
    const struct list_node *tenant = pool->locked.tenants.first;
    if (tenant != NULL && pool->locked.phase != POOL_OPEN)
        lend__text_copy(report->tenant, sizeof report->tenant,
                        list_entry(tenant, struct tenant, node)->name);
    report->cause = likely_cause(pool, report);
}

static int oldest_first(const void *one, const void *other) {
    int64_t a = ((const struct lend_holder *)one)->held_ns;
    int64_t b = ((const struct lend_holder *)other)->held_ns;
    return (a < b) - (a > b);
}

struct lend_report *lend__report_take(lend_pool *pool, int error, int64_t waited_ns) {
    struct report_memory *memory =
        lend__memory_new(sizeof *memory + pool->options.models * sizeof *memory->holders);
    if (memory == NULL)
        return NULL;
    struct lend_report *report = &memory->report;
    report->error = error;
    report->waited_ns = waited_ns;
    report->holders = memory->holders;
    lend__text_copy(report->pool, sizeof report->pool, pool->name);
    lend__lock_acquire(&pool->lock);
    fill(pool, memory);
    lend__lock_release(&pool->lock);
    qsort(memory->holders, report->holder_count, sizeof *memory->holders, oldest_first);
    return report;
}

void lend_report_free(struct lend_report *report) {
    lend__memory_free(report);
}

/* "no model within 500 ms; " */
static void add_failure(struct text *text, const struct lend_report *report) {
    bool closing = report->cause == LEND_CAUSE_CLOSING || report->cause == LEND_CAUSE_TENANTS;
    switch (report->error) {
    case 0:
        return;
    case ETIMEDOUT:
        lend__text_add(text, "no model within ");
        lend__text_add_duration(text, report->waited_ns);
        break;
    case EBUSY:
        lend__text_add(text, closing ? "not closed within " : "no model free");
        if (closing)
            lend__text_add_duration(text, report->waited_ns);
        break;
    default: /* the cause, at the end, says why */
        lend__text_add(text, "no model");
    }
    lend__text_add(text, "; ");
}

/* "3 of 4 lent, 1 loading" */
static void add_counts(struct text *text, const struct lend_report *report) {
    lend__text_add(text, "%u of %u lent", report->lent, report->models);
    if (report->free > 0)
        lend__text_add(text, ", %u free", report->free);
    if (report->loading > 0)
        lend__text_add(text, ", %u loading", report->loading);
    if (report->retiring > 0)
        lend__text_add(text, ", %u retiring", report->retiring);
    if (report->lost > 0)
        lend__text_add(text, ", %u lost", report->lost);
}

/* "#0 thread 4711 for 12.3 s at batch.c:88" */
static void add_holder(struct text *text, const struct lend_holder *holder) {
    if (holder->kind == LEND_OWNER_JOB)
        lend__text_add(text, "#%u job %llu (thread %u) for ", holder->slot,
                       (unsigned long long)holder->id, holder->tid);
    else
        lend__text_add(text, "#%u thread %u for ", holder->slot, holder->tid);
    lend__text_add_duration(text, holder->held_ns);
    lend__text_add_site(text, holder->site);
}

size_t lend_report_print(const struct lend_report *report, char *buffer, size_t size) {
    struct text text = text_into(buffer, size);
    if (report == NULL) {
        lend__text_add(&text, "no report");
        return text.length;
    }
    lend__text_add(&text, "pool \"%s\": ", report->pool);
    add_failure(&text, report);
    add_counts(&text, report);
    for (size_t i = 0; i < report->holder_count; i++) {
        lend__text_add(&text, i == 0 ? ": " : ", ");
        add_holder(&text, &report->holders[i]);
    }
    if (report->waiting > 0)
        lend__text_add(&text, "; %u waiting of at most %u", report->waiting, report->waiters_max);
    if (report->loader.text[0] != '\0')
        lend__text_add(&text, "; the loader says: %s", report->loader.text);
    if (report->tenant[0] != '\0')
        lend__text_add(&text, "; executor \"%s\" is open", report->tenant);
    if (report->cause != LEND_CAUSE_NONE)
        lend__text_add(&text, "; %s", lend_cause_words(report->cause));
    return text.length;
}

size_t lend_pool_print(lend_pool *pool, char *buffer, size_t size) {
    if (pool == NULL) {
        struct text text = text_into(buffer, size);
        lend__text_add(&text, "no pool");
        return text.length;
    }
    struct lend_report *report = lend__report_take(pool, /* error= */ 0, /* waited_ns= */ 0);
    size_t length = lend_report_print(report, buffer, size);
    lend_report_free(report);
    return length;
}
