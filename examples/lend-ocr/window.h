/* SPDX-License-Identifier: MIT
 *
 * The window: the files under way, in the order in which they were given. Oldest out, newest in;
 * what lies between is at most `capacity` files, however many are to come and however long the
 * oldest takes. */
#ifndef LEND_OCR_WINDOW_H
#define LEND_OCR_WINDOW_H

#include "picture.h"

#include <lend/lend.h>

enum entry_state {
    ENTRY_ARRIVING,  /* its picture is being received, or waits for room in the queue */
    ENTRY_SUBMITTED, /* its future will say */
    ENTRY_FAILED,    /* its reason says why it never got that far */
};

struct entry {
    enum entry_state state;
    char *name;                /* NULL if there was no memory for it */
    bool has_place;            /* in the output, for its result or failure */
    struct picture *picture;   /* ARRIVING */
    lend_future *future;       /* SUBMITTED */
    struct lend_reason reason; /* FAILED */
};

struct window {
    lend_executor *executor;
    struct entry *entries; /* a ring of `capacity` */
    size_t capacity, first, count;
    size_t undecided, undecided_max; /* jobs */
    lend_completions *decisions;     /* one for each job, when it is decided */
};

/* At most `capacity` files, of which at most undecided_max are jobs. Returns 0 or an errno value.
 */
int window_open(struct window *window, lend_executor *executor, size_t capacity,
                size_t undecided_max);

/* Add a file as the newest one, ARRIVING; name and picture are the window's from now on. The window
 * must not be full. */
struct entry *window_add(struct window *window, char *name, struct picture *picture);

bool window_is_full(const struct window *window);

/* NULL if there is none. */
struct entry *window_oldest(struct window *window);
struct entry *window_newest(struct window *window);

/* Give up an entry that is ARRIVING. */
void entry_fail(struct entry *entry, const struct lend_reason *reason);

/* Hand a whole picture over as a job; deadline_ms 0 is no deadline. False: there is no room now;
 * try again when a job has been decided. Any other failure makes the entry FAILED. */
bool window_submit(struct window *window, struct entry *entry, int64_t deadline_ms);

/* Is there something to tell about it? */
bool entry_is_over(struct entry *entry);

void window_remove_oldest(struct window *window);

/* Count the decisions that were made; to be called when `decisions` is readable. */
void window_collect(struct window *window);

/* Jobs that have not begun never will; a file that is arriving is forgotten. */
void window_cancel_queued(struct window *window);

/* The same, and those that run are asked to stop. */
void window_cancel_all(struct window *window);

/* No job is under way any more. A zeroed window is closed. */
void window_close(struct window *window);

#endif
