/* SPDX-License-Identifier: MIT
 *
 * A sink that remembers: the events of a pool or executor, copied, in the order in which they came.
 */
#ifndef LEND_TESTS_SUPPORT_EVENTS_H
#define LEND_TESTS_SUPPORT_EVENTS_H

#include <lend/event.h>
#include <pthread.h>

#define EVENTS_MAX 64 /* later ones are counted and not kept */

struct recorded_event {
    enum lend_event_kind kind;
    int error;
    int slot;
    uint64_t job;
    const struct lend_site *site;
    char owner[64];
    char text[256];
};

struct events {
    pthread_mutex_t mutex;
    uint32_t count; /* the rest: under mutex */
    struct recorded_event kept[EVENTS_MAX];
};

void events_init(struct events *events);
void events_deinit(struct events *events);

/* The sink; its context is the struct events. */
void events_record(const struct lend_event *event, void *context);

/* How many came, of all kinds and of one. */
uint32_t events_count(struct events *events);
uint32_t events_count_of(struct events *events, enum lend_event_kind kind);

/* The `index`-th that was kept, from 0: zeroed, with slot -1, if there is none. */
struct recorded_event events_at(struct events *events, uint32_t index);

/* The first of a kind, zeroed in the same way. */
struct recorded_event events_first_of(struct events *events, enum lend_event_kind kind);

#endif
