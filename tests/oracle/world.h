/* SPDX-License-Identifier: MIT
 *
 * The deadlock oracle: can this wait end before its time? Answered by trying everything that
 * anybody could do, which knows nothing of how the watch decides (src/pool/watch.h).
 *
 * A world is who has what and who waits for what, at one moment. Whoever runs may give back
 * anything that he holds, end his job, or, if he is a worker without a job, begin a queued one;
 * what was detached, anybody may bring back; and deadlines pass. A task lives on a thread: what it
 * holds is given back there, while neither the task nor its thread waits. Nobody takes anything
 * new: it would only make matters worse. */
#ifndef LEND_TESTS_ORACLE_WORLD_H
#define LEND_TESTS_ORACLE_WORLD_H

#include <stdbool.h>

enum { WORLD_THREADS = 8, WORLD_TASKS = 4, WORLD_POOLS = 3, WORLD_UNITS = 3, WORLD_JOBS = 6 };
enum { NOBODY = -1, ANYBODY = -2 }; /* a unit that is free, or that anybody may bring back */
enum { WORLD_FOREVER = 1000 };

enum doing { RUNS, WAITS_FOR_POOL, WAITS_FOR_JOB };

/* A thread or task. */
struct thread_state {
    enum doing doing;
    int what;      /* the pool or job it waits for */
    int deadline;  /* of the wait */
    int ticket;    /* its place in the pool's queue */
    int runs_job;  /* the job that it runs, or NOBODY */
    int works_for; /* executor, or NOBODY; of a task both are NOBODY */

    /* of a task */
    int lives_on; /* the thread */
    int restless; /* not 0: it has two waits at once, and goes on all the same. The other one is in
                     the place of a task of its own, equally restless */
};

enum job_stage { JOB_QUEUED, JOB_RUNS, JOB_OVER };

struct job_state {
    enum job_stage stage;
    int executor, deadline;
};

/* Zeroed before it is filled: worlds are compared byte by byte. */
struct world {
    int threads, tasks, pools, jobs, executors;
    int units[WORLD_POOLS]; /* how many it has */
    int holder[WORLD_POOLS][WORLD_UNITS];
    struct thread_state thread[WORLD_THREADS + WORLD_TASKS]; /* threads first, then tasks */
    struct job_state job[WORLD_JOBS];
};

/* From here on a task is meant too where a thread is spoken of: those that wait are numbered as in
 * `thread`. */
static inline int world_waiters(const struct world *world) {
    return world->threads + world->tasks;
}

/* When a wait ends of itself. */
int world_end_of_wait(const struct world *world, int thread);

enum hope { HOPELESS, HOPEFUL, TOO_LARGE_TO_TELL };

/* Can the wait of this thread end before its time? */
enum hope world_hope(const struct world *world, int thread);

#endif
