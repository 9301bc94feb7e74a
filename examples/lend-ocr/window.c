/* SPDX-License-Identifier: MIT
 *
 * The window as a ring, and the jobs in it.
 *
 * One thread has the window. The executor's threads touch only the eventfd, from a job's `done`:
 * this is how a program with an event loop of its own learns that there is something to fetch. */
#include "window.h"

#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

int window_open(struct window *window, lend_executor *executor, size_t capacity,
                size_t undecided_max) {
    *window = (struct window){
        .executor = executor,
        .entries = calloc(capacity, sizeof *window->entries),
        .capacity = capacity,
        .undecided_max = undecided_max,
        .decisions = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK),
    };
    if (window->entries == NULL)
        return ENOMEM;
    return window->decisions < 0 ? errno : 0;
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
    const struct window *window = argument;
    uint64_t one = 1;
    (void)future;
    /* Cannot fail: the counter holds far more than the window. */
    ssize_t written = write(window->decisions, &one, sizeof one);
    (void)written;
}

bool window_submit(struct window *window, struct entry *entry, int64_t deadline_ms) {
    if (window->undecided >= window->undecided_max)
        return false;
    struct picture *picture = entry->picture;
    int error = lend_submit(
        window->executor,
        &LEND_JOB(.run = lend_ocr_job, .argument = &picture->request, .drop_argument = picture_free,
                  .done = count_decision, .done_argument = window, .bytes = picture->room,
                  .deadline = deadline_ms > 0 ? lend_within_ms(deadline_ms) : LEND_FOREVER),
        &entry->future);
    if (error == EAGAIN)
        return false;
    if (error != 0) {
        struct lend_reason reason = {0};
        lend_reason_set(&reason, error, "%s", lend_strerror(error));
        entry_fail(entry, &reason);
        return true;
    }
    entry->picture = NULL; /* the job's now */
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
    uint64_t decided;
    if (read(window->decisions, &decided, sizeof decided) == (ssize_t)sizeof decided)
        window->undecided -= decided;
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
    if (window->decisions > STDERR_FILENO)
        close(window->decisions);
}
