/* SPDX-License-Identifier: MIT
 *
 * The window as a ring, and the jobs in it.
 *
 * One thread has the window, and the executor's threads touch nothing of it: each decision comes to
 * a completion queue, which this thread runs when it is readable, as any event loop would. */
#include "window.h"

#include <stdlib.h>

int window_open(struct window *window, lend_executor *executor, size_t capacity,
                size_t undecided_max) {
    *window = (struct window){
        .executor = executor,
        .entries = calloc(capacity, sizeof *window->entries),
        .capacity = capacity,
        .undecided_max = undecided_max,
    };
    return window->entries != NULL ? lend_completions_open(&window->decisions) : ENOMEM;
}

static struct entry *entry_at(struct window *window, size_t place) {
    return &window->entries[(window->first + place) % window->capacity];
}

struct entry *window_add(struct window *window, char *name, struct picture *picture) {
    struct entry *entry = entry_at(window, window->count++);
    *entry = (struct entry){.state = ENTRY_ARRIVING, .name = name, .picture = picture};
    return entry;
}

bool window_is_full(const struct window *window) {
    return window->count == window->capacity;
}

struct entry *window_oldest(struct window *window) {
    return window->count > 0 ? entry_at(window, 0) : NULL;
}

struct entry *window_newest(struct window *window) {
    return window->count > 0 ? entry_at(window, window->count - 1) : NULL;
}

void entry_fail(struct entry *entry, const struct lend_reason *reason) {
    picture_free(entry->picture);
    entry->picture = NULL;
    entry->reason = *reason;
    entry->state = ENTRY_FAILED;
}

static void count_decision(lend_future *future, void *argument) {
    struct window *window = argument;
    (void)future;
    window->undecided--;
}

/* The picture is the job's as soon as it was accepted. */
static int submit(struct window *window, struct entry *entry, int64_t deadline_ms) {
    struct picture *picture = entry->picture;
    int error = lend_submit(
        window->executor,
        &LEND_JOB(.run = lend_ocr_job, .argument = &picture->request, .drop_argument = picture_free,
                  .bytes = picture->room,
                  .deadline = deadline_ms > 0 ? lend_within_ms(deadline_ms) : LEND_FOREVER),
        &entry->future);
    if (error != 0)
        return error;
    entry->picture = NULL;
    error = lend_future_then(entry->future, window->decisions, count_decision, window);
    if (error != 0)
        lend_future_cancel(entry->future);
    return error;
}

bool window_submit(struct window *window, struct entry *entry, int64_t deadline_ms) {
    if (window->undecided >= window->undecided_max)
        return false;
    int error = submit(window, entry, deadline_ms);
    if (error == EAGAIN)
        return false;
    if (error != 0) {
        struct lend_reason reason = {0};
        lend_reason_set(&reason, error, "%s", lend_strerror(error));
        entry_fail(entry, &reason);
        return true;
    }
    entry->state = ENTRY_SUBMITTED;
    window->undecided++;
    return true;
}

bool entry_is_over(struct entry *entry) {
    switch (entry->state) {
    case ENTRY_ARRIVING:
        return false;
    case ENTRY_SUBMITTED:
        return lend_future_outcome(entry->future) != LEND_PENDING;
    case ENTRY_FAILED:
        return true;
    }
    return true;
}

void window_remove_oldest(struct window *window) {
    struct entry *entry = window_oldest(window);
    lend_future_drop(entry->future);
    picture_free(entry->picture);
    free(entry->name);
    window->first = (window->first + 1) % window->capacity;
    window->count--;
}

void window_collect(struct window *window) {
    lend_completions_run(window->decisions, UINT32_MAX);
}

static void forget_arriving(struct window *window) {
    struct entry *newest = window_newest(window);
    if (newest == NULL || newest->state != ENTRY_ARRIVING)
        return;
    picture_free(newest->picture);
    free(newest->name);
    window->count--;
}

void window_cancel_queued(struct window *window) {
    forget_arriving(window);
    struct lend_executor_stats stats;
    if (lend_executor_stats_get(window->executor, &stats) != 0)
        return;
    /* Jobs start in the order in which they were submitted, so those still queued are the newest.
     * One that starts meanwhile is the oldest of them, and is stopped at its first line. */
    for (size_t place = window->count; place-- > 0 && stats.queued > 0;) {
        struct entry *entry = entry_at(window, place);
        if (!entry_is_over(entry)) {
            lend_future_cancel(entry->future);
            stats.queued--;
        }
    }
}

void window_cancel_all(struct window *window) {
    forget_arriving(window);
    for (size_t place = window->count; place-- > 0;) {
        struct entry *entry = entry_at(window, place);
        if (!entry_is_over(entry))
            lend_future_cancel(entry->future);
    }
}

void window_close(struct window *window) {
    while (window->count > 0)
        window_remove_oldest(window);
    free(window->entries);
    while (lend_completions_close(window->decisions) == EBUSY)
        window_collect(window);
}
