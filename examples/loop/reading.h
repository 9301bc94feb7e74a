/* SPDX-License-Identifier: MIT
 *
 * Reading pages beside an event loop: what loop-epoll and loop-uv have in common. Everything here
 * runs on the loop's thread, and nothing of it waits. */
#ifndef LEND_EXAMPLES_LOOP_READING_H
#define LEND_EXAMPLES_LOOP_READING_H

#include "beats.h"

#include <lend/lend.h>
#include <lend/ocr.h>

struct reading {
    lend_pool *pool; /* of two models */
    lend_executor *executor;
    lend_completions *queue;

    struct lend_ocr_request *pictures; /* read over and over, in turn */
    int picture_count, next;

    bool ending; /* nothing more is submitted */
    unsigned under_way, read, failed;
    size_t words;
};

/* From `count` files, each read whole; one that is larger than 64 MiB is refused. 0, or an error
 * that has been told on stderr. Loads models: before the loop begins. */
int reading_open(struct reading *reading, char **files, int count);

/* Hand over pages until the executor's queue is full. */
void reading_feed(struct reading *reading);

/* Call back for what has been read; each page makes room for another. To be called whenever the
 * queue's descriptor is readable. */
void reading_answer(struct reading *reading);

/* When the loop has ended: give up what is still to be read, close everything, and print what was
 * read and how the loop beat meanwhile. The exit status: all was read, and could be closed. */
int reading_conclude(struct reading *reading, const struct beats *beats);

#endif
