/* SPDX-License-Identifier: MIT
 *
 * Events under a lock. */
#include "support/events.h"

#include <stdio.h>
#include <stdlib.h>

void events_init(struct events *events) {
    *events = (struct events){0};
    if (pthread_mutex_init(&events->mutex, NULL) != 0)
        abort();
}

void events_deinit(struct events *events) {
    pthread_mutex_destroy(&events->mutex);
}

static struct recorded_event copy(const struct lend_event *event) {
    struct recorded_event record = {
        .kind = event->kind,
        .error = event->error,
        .slot = event->slot,
        .job = event->job,
        .site = event->site,
    };
    snprintf(record.owner, sizeof record.owner, "%s", event->owner);
    snprintf(record.text, sizeof record.text, "%s", event->text);
    return record;
}

void events_record(const struct lend_event *event, void *context) {
    struct events *events = context;
    pthread_mutex_lock(&events->mutex);
    if (events->count < EVENTS_MAX)
        events->kept[events->count] = copy(event);
    events->count++;
    pthread_mutex_unlock(&events->mutex);
}

uint32_t events_count(struct events *events) {
    pthread_mutex_lock(&events->mutex);
    uint32_t count = events->count;
    pthread_mutex_unlock(&events->mutex);
    return count;
}

/* Under the lock. */
static uint32_t kept_count(const struct events *events) {
    return events->count < EVENTS_MAX ? events->count : EVENTS_MAX;
}

uint32_t events_count_of(struct events *events, enum lend_event_kind kind) {
    uint32_t count = 0;
    pthread_mutex_lock(&events->mutex);
    for (uint32_t i = 0; i < kept_count(events); i++)
        count += events->kept[i].kind == kind;
    pthread_mutex_unlock(&events->mutex);
    return count;
}

struct recorded_event events_at(struct events *events, uint32_t index) {
    struct recorded_event record = {.slot = -1};
    pthread_mutex_lock(&events->mutex);
    if (index < kept_count(events))
        record = events->kept[index];
    pthread_mutex_unlock(&events->mutex);
    return record;
}

struct recorded_event events_first_of(struct events *events, enum lend_event_kind kind) {
    struct recorded_event record = {.slot = -1};
    pthread_mutex_lock(&events->mutex);
    for (uint32_t i = kept_count(events); i-- > 0;)
        if (events->kept[i].kind == kind)
            record = events->kept[i];
    pthread_mutex_unlock(&events->mutex);
    return record;
}
