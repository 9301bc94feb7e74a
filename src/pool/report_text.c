/* SPDX-License-Identifier: MIT
 *
 * Reports in words. */
#include "pool/report.h"

/* "no model within 500 ms; "; of a live pool "closing; " or nothing */
static void add_failure(struct text *text, const struct lend_report *report) {
    switch (report->error) {
    case 0:
        if (!report->closing)
            return;
        lend__text_add(text, "closing");
        break;
    case ETIMEDOUT:
        lend__text_add(text, "no model within ");
        lend__text_add_duration(text, report->waited_ns);
        break;
    case EBUSY:
        lend__text_add(text, report->closing ? "not closed within " : "no model free");
        if (report->closing)
            lend__text_add_duration(text, report->waited_ns);
        break;
    case EAGAIN:
        lend__text_add(text, "no model free, and this thread must not wait");
        break;
    case EDEADLK:
        lend__text_add(text, "deadlock");
        break;
    default: /* the cause, at the end, says why */
        lend__text_add(text, "no model");
    }
    lend__text_add(text, "; ");
}

void lend__text_add_counts(struct text *text, const struct lend_report *report) {
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

/* One without a thread has been lent a model, and its completion queue has not been run since. */
static void add_task(struct text *text, uint64_t id, uint32_t tid) {
    if (id != 0)
        lend__text_add(text, "task %llu", (unsigned long long)id);
    else
        lend__text_add(text, "a task");
    if (tid != 0)
        lend__text_add(text, " (thread %u)", tid);
    else
        lend__text_add(text, " (in a completion queue)");
}

void lend__text_add_owner(struct text *text, enum lend_owner_kind kind, uint64_t id, uint32_t tid) {
    if (kind == LEND_OWNER_TASK)
        add_task(text, id, tid);
    else if (kind == LEND_OWNER_JOB)
        lend__text_add(text, "job %llu (thread %u)", (unsigned long long)id, tid);
    else if (kind == LEND_OWNER_DETACHED)
        lend__text_add(text, "nobody (detached by thread %u)", tid);
    else
        lend__text_add(text, "thread %u", tid);
}

/* "#0 thread 4711 for 12.3 s at batch.c:88" */
static void add_holder(struct text *text, const struct lend_holder *holder) {
    lend__text_add(text, "#%u ", holder->slot);
    lend__text_add_owner(text, holder->kind, holder->id, holder->tid);
    lend__text_add(text, " for ");
    lend__text_add_duration(text, holder->held_ns);
    lend__text_add_site(text, holder->site);
}

/* "; load of #0 under way for 75 s, 1 stuck" */
static void add_work(struct text *text, const struct lend_report *report) {
    if (report->work_slot < 0)
        return;
    lend__text_add(text, "; %s of #%d under way for ", report->work, report->work_slot);
    lend__text_add_duration(text, report->work_ns);
    if (report->stuck > 0)
        lend__text_add(text, ", %u stuck", report->stuck);
}

/* "thread 4711 waits at a.c:9 for pool "b", whose #0 thread 4712 holds for 3 s at b.c:5" */
static void add_step(struct text *text, const struct lend_step *step) {
    lend__text_add_owner(text, step->kind, step->id, step->tid);
    lend__text_add(text, " waits");
    lend__text_add_site(text, step->site);
    lend__text_add(text, " for %s", step->awaits);
    if (step->slot < 0) {
        lend__text_add(text, ", which thread %u would have to run", step->holder_tid);
        return;
    }
    lend__text_add(text, ", whose #%d ", step->slot);
    if (step->holder_task != 0)
        add_task(text, step->holder_task, step->holder_tid);
    else
        lend__text_add(text, "thread %u", step->holder_tid);
    lend__text_add(text, " holds for ");
    lend__text_add_duration(text, step->held_ns);
    lend__text_add_site(text, step->held_site);
}

void lend__text_add_steps(struct text *text, const struct lend_step *steps, size_t count) {
    for (size_t i = 0; i < count; i++) {
        lend__text_add(text, i == 0 ? "" : "; ");
        add_step(text, &steps[i]);
    }
}

void lend__text_add_report(struct text *text, const struct lend_report *report) {
    lend__text_add(text, "pool \"%s\": ", report->pool);
    add_failure(text, report);
    lend__text_add_counts(text, report);
    for (size_t i = 0; i < report->holder_count; i++) {
        lend__text_add(text, i == 0 ? ": " : ", ");
        add_holder(text, &report->holders[i]);
    }
    add_work(text, report);
    if (report->step_count > 0) {
        lend__text_add(text, "; ");
        lend__text_add_steps(text, report->steps, report->step_count);
    }
    if (report->waiting > 0)
        lend__text_add(text, "; %u waiting of at most %u", report->waiting, report->waiters_max);
    if (report->loader.text[0] != '\0')
        lend__text_add(text, "; the loader says: %s", report->loader.text);
    if (report->tenant[0] != '\0')
        lend__text_add(text, "; executor \"%s\" is open", report->tenant);
    if (report->cause != LEND_CAUSE_NONE)
        lend__text_add(text, "; %s", lend_cause_words(report->cause));
}

size_t lend_report_print(const struct lend_report *report, char *buffer, size_t size) {
    struct text text = text_into(buffer, size);
    if (report == NULL)
        lend__text_add(&text, "no report");
    else
        lend__text_add_report(&text, report);
    return text.length;
}
