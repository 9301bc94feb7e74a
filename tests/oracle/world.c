/* SPDX-License-Identifier: MIT
 *
 * The oracle's search: depth first through all worlds that could follow, each once. */
#include "world.h"

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int world_end_of_wait(const struct world *world, int thread) {
    const struct thread_state *t = &world->thread[thread];
    int deadline = t->deadline;
    if (t->doing == WAITS_FOR_JOB && world->job[t->what].deadline < deadline)
        deadline = world->job[t->what].deadline;
    return deadline;
}

static bool is_task(const struct world *world, int thread) {
    return thread >= world->threads;
}

static bool can_act(const struct world *world, int thread) {
    const struct thread_state *t = &world->thread[thread];
    if (!is_task(world, thread))
        return t->doing == RUNS;
    return world->thread[t->lives_on].doing == RUNS && (t->doing == RUNS || t->restless != 0);
}

/* what anybody can do */

/* What a task is granted is told by whoever runs its queue, and so may come back from anybody. */
static void give_unit(struct world *world, int pool, int unit) {
    int head = NOBODY;
    for (int i = 0; i < world_waiters(world); i++) {
        const struct thread_state *t = &world->thread[i];
        if (t->doing == WAITS_FOR_POOL && t->what == pool &&
            (head == NOBODY || t->ticket < world->thread[head].ticket))
            head = i;
    }
    world->holder[pool][unit] = head != NOBODY && is_task(world, head) ? ANYBODY : head;
    if (head != NOBODY)
        world->thread[head].doing = RUNS;
}

static void end_job(struct world *world, int job) {
    world->job[job].stage = JOB_OVER;
    for (int i = 0; i < world->threads; i++)
        if (world->thread[i].doing == WAITS_FOR_JOB && world->thread[i].what == job)
            world->thread[i].doing = RUNS;
}

static bool start_job(struct world *world, int thread) {
    for (int j = 0; j < world->jobs; j++) {
        struct job_state *job = &world->job[j];
        if (job->stage == JOB_QUEUED && job->executor == world->thread[thread].works_for) {
            job->stage = JOB_RUNS;
            world->thread[thread].runs_job = j;
            return true;
        }
    }
    return false;
}

/* exhaustive search */

#define SEEN_MAX (1 << 16)

struct search {
    int target; /* the thread whose wait it is about */
    int limit;  /* nothing that happens at this time or later counts */
    uint32_t number;
    size_t count;
    bool overflowed;
    struct {
        uint32_t search; /* that filled it */
        struct world world;
    } seen[2 * SEEN_MAX]; /* by hash, with the next free place for who comes second */
};

/* FNV-1a (Fowler, Noll, Vo), by the int: a world is nothing but ints. */
static uint32_t hash(const struct world *world) {
    const uint32_t *words = (const uint32_t *)world;
    uint64_t hash = UINT64_C(14695981039346656037);
    for (size_t i = 0; i < sizeof *world / sizeof *words; i++)
        hash = (hash ^ words[i]) * UINT64_C(1099511628211);
    return (uint32_t)(hash >> 32);
}

static bool was_seen(struct search *search, const struct world *world) {
    uint32_t place = hash(world) % (2 * SEEN_MAX);
    for (; search->seen[place].search == search->number; place = (place + 1) % (2 * SEEN_MAX))
        if (memcmp(&search->seen[place].world, world, sizeof *world) == 0)
            return true;
    search->overflowed = search->overflowed || ++search->count > SEEN_MAX;
    search->seen[place].search = search->number;
    search->seen[place].world = *world;
    return search->overflowed;
}

static bool can_end(struct search *search, struct world world);

static bool after_releases(struct search *search, const struct world *world, int holder) {
    for (int p = 0; p < world->pools; p++)
        for (int u = 0; u < world->units[p]; u++)
            if (world->holder[p][u] == holder) {
                struct world next = *world;
                give_unit(&next, p, u);
                if (can_end(search, next))
                    return true;
            }
    return false;
}

static bool after_job_end(struct search *search, const struct world *world, int thread) {
    int job = world->thread[thread].runs_job;
    if (job == NOBODY)
        return false;
    struct world next = *world;
    next.thread[thread].runs_job = NOBODY;
    end_job(&next, job);
    start_job(&next, thread);
    return can_end(search, next);
}

static bool after_job_start(struct search *search, const struct world *world, int thread) {
    struct world next = *world;
    const struct thread_state *t = &world->thread[thread];
    return t->works_for != NOBODY && t->runs_job == NOBODY && start_job(&next, thread) &&
           can_end(search, next);
}

/* The next deadline passes: all waits that end then. */
static bool after_time(struct search *search, const struct world *world) {
    int next_time = search->limit;
    for (int i = 0; i < world_waiters(world); i++)
        if (world->thread[i].doing != RUNS && world_end_of_wait(world, i) < next_time)
            next_time = world_end_of_wait(world, i);
    if (next_time == search->limit)
        return false;
    struct world next = *world;
    for (int i = 0; i < world_waiters(world); i++)
        if (world->thread[i].doing != RUNS && world_end_of_wait(world, i) == next_time)
            next.thread[i].doing = RUNS;
    return can_end(search, next);
}

static bool can_end(struct search *search, struct world world) {
    if (world.thread[search->target].doing == RUNS)
        return true;
    if (was_seen(search, &world))
        return false;
    for (int i = 0; i < world_waiters(&world); i++)
        if (can_act(&world, i) &&
            (after_releases(search, &world, i) || after_job_end(search, &world, i) ||
             after_job_start(search, &world, i)))
            return true;
    return after_releases(search, &world, ANYBODY) || after_time(search, &world);
}

enum hope world_hope(const struct world *world, int thread) {
    static struct search *search;
    if (search == NULL)
        search = calloc(1, sizeof *search);
    if (search == NULL)
        return TOO_LARGE_TO_TELL;
    search->target = thread;
    search->limit = world_end_of_wait(world, thread);
    search->number++;
    search->count = 0;
    search->overflowed = false;
    if (can_end(search, *world))
        return HOPEFUL;
    return search->overflowed ? TOO_LARGE_TO_TELL : HOPELESS;
}
