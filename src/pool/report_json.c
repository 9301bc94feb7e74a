/* SPDX-License-Identifier: MIT
 *
 * Reports as JSON (RFC 8259): one object, all or nothing. */
#include "base/clock.h"
#include "base/text.h"

#include <lend/report.h>

static void add_ms(struct text *text, const char *name, int64_t ns) {
    lend__text_add(text, ",\"%s\":%lld.%03lld", name, (long long)(ns / NS_PER_MS),
                   (long long)(ns / NS_PER_US % 1000));
}

static void add_string(struct text *text, const char *name, const char *value) {
    lend__text_add(text, ",\"%s\":", name);
    lend__text_add_quoted(text, value);
}

/* "at":"batch.c:88", nothing if the site is not known. */
static void add_site(struct text *text, const char *name, const struct lend_site *site) {
    char words[256];
    if (site == NULL)
        return;
    struct text at = text_into(words, sizeof words);
    lend__text_add_place(&at, site);
    add_string(text, name, words);
}

static void add_owner(struct text *text, enum lend_owner_kind kind, uint64_t id, uint32_t tid) {
    static const char *const kinds[] = {[LEND_OWNER_THREAD] = "thread",
                                        [LEND_OWNER_JOB] = "job",
                                        [LEND_OWNER_DETACHED] = "nobody",
                                        [LEND_OWNER_TASK] = "task"};
    lend__text_add(text, "\"owner\":\"%s\",\"id\":%llu,\"tid\":%u", kinds[kind],
                   (unsigned long long)id, tid);
}

static void add_holders(struct text *text, const struct lend_report *report) {
    lend__text_add(text, ",\"holders\":[");
    for (size_t i = 0; i < report->holder_count; i++) {
        const struct lend_holder *holder = &report->holders[i];
        lend__text_add(text, "%s{", i == 0 ? "" : ",");
        add_owner(text, holder->kind, holder->id, holder->tid);
        lend__text_add(text, ",\"slot\":%u", holder->slot);
        add_ms(text, "held_ms", holder->held_ns);
        add_site(text, "at", holder->site);
        lend__text_add(text, "}");
    }
    lend__text_add(text, "]");
}

static void add_waiters(struct text *text, const struct lend_report *report) {
    lend__text_add(text, ",\"waiters\":[");
    for (size_t i = 0; i < report->waiter_count; i++) {
        const struct lend_borrower *waiter = &report->waiters[i];
        lend__text_add(text, "%s{", i == 0 ? "" : ",");
        add_owner(text, waiter->kind, waiter->id, waiter->tid);
        add_ms(text, "waited_ms", waiter->waited_ns);
        add_site(text, "at", waiter->site);
        lend__text_add(text, "}");
    }
    lend__text_add(text, "]");
}

static void add_steps(struct text *text, const struct lend_report *report) {
    lend__text_add(text, ",\"steps\":[");
    for (size_t i = 0; i < report->step_count; i++) {
        const struct lend_step *step = &report->steps[i];
        lend__text_add(text, "%s{", i == 0 ? "" : ",");
        add_owner(text, step->kind, step->id, step->tid);
        add_string(text, "awaits", step->awaits);
        add_ms(text, "waited_ms", step->waited_ns);
        add_site(text, "at", step->site);
        lend__text_add(text, ",\"holder_tid\":%u,\"slot\":%d", step->holder_tid, step->slot);
        if (step->holder_task != 0)
            lend__text_add(text, ",\"holder_task\":%llu", (unsigned long long)step->holder_task);
        add_ms(text, "held_ms", step->held_ns);
        add_site(text, "held_at", step->held_site);
        lend__text_add(text, "}");
    }
    lend__text_add(text, "]");
}

static void add_counts(struct text *text, const struct lend_report *report) {
    lend__text_add(text, ",\"models\":%u,\"free\":%u,\"lent\":%u,\"loading\":%u", report->models,
                   report->free, report->lent, report->loading);
    lend__text_add(text, ",\"retiring\":%u,\"lost\":%u,\"stuck\":%u", report->retiring,
                   report->lost, report->stuck);
    lend__text_add(text, ",\"suspended\":%s,\"closing\":%s", report->suspended ? "true" : "false",
                   report->closing ? "true" : "false");
    lend__text_add(text, ",\"waiting\":%u,\"waiters_max\":%u", report->waiting,
                   report->waiters_max);
}

/* "work":{"on":"load","slot":0,"for_ms":75000.000} of what is under way for longest, if anything.
 */
static void add_work(struct text *text, const struct lend_report *report) {
    if (report->work_slot < 0)
        return;
    lend__text_add(text, ",\"work\":{\"on\":\"%s\",\"slot\":%d", report->work, report->work_slot);
    add_ms(text, "for_ms", report->work_ns);
    lend__text_add(text, "}");
}

static void add_report(struct text *text, const struct lend_report *report) {
    if (report == NULL) {
        lend__text_add(text, "{}");
        return;
    }
    lend__text_add(text, "{\"pool\":");
    lend__text_add_quoted(text, report->pool);
    add_string(text, "error", lend_errname(report->error));
    add_string(text, "cause", lend_cause_words(report->cause));
    add_ms(text, "waited_ms", report->waited_ns);
    add_counts(text, report);
    add_work(text, report);
    add_holders(text, report);
    add_waiters(text, report);
    add_steps(text, report);
    add_string(text, "loader", report->loader.text);
    add_string(text, "executor", report->tenant);
    lend__text_add(text, "}");
}

size_t lend_report_print_json(const struct lend_report *report, char *buffer, size_t size) {
    struct text text = text_into(buffer, size);
    add_report(&text, report);
    if (text.cut) {
        text = text_measure(buffer, size);
        add_report(&text, report);
    }
    return text.length;
}
