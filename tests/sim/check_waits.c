/* SPDX-License-Identifier: MIT
 *
 * The deadlock oracle over the run: a world (oracle/world.h) is read off the pools, executors and
 * threads, and the oracle is asked. Its answers are kept: the same worlds come again and again. */
#include "fail.h"
#include "random.h"
#include "threads.h"
#include "watcher.h"

#include "oracle/world.h"

#include <stdlib.h>
#include <string.h>

struct seen_world {
    struct world world;
    struct sim_thread *threads[WORLD_THREADS];
    int64_t deadlines[WORLD_THREADS];
    bool fits;
};

static int thread_in(struct seen_world *seen, struct sim_thread *thread) {
    struct world *world = &seen->world;
    for (int i = 0; i < world->threads; i++)
        if (seen->threads[i] == thread)
            return i;
    if (world->threads == WORLD_THREADS || thread == NULL) {
        seen->fits = false;
        return 0;
    }
    world->thread[world->threads] =
        (struct thread_state){.runs_job = NOBODY, .works_for = NOBODY, .deadline = WORLD_FOREVER};
    seen->threads[world->threads] = thread;
    seen->deadlines[world->threads] = INT64_MAX;
    return world->threads++;
}

static struct sim_thread *thread_of_tid(uint32_t tid) {
    return tid >= 1 && tid <= THREADS_MAX ? &machine.threads[tid - 1] : NULL;
}

/* What is not LENT may yet be lent, and who has not said so yet runs. */
static int holder_of(struct seen_world *seen, const struct slot *slot) {
    owner_word owner = slot->owner.value;
    uint64_t life = slot->life.value;
    if (life_state(life) != SLOT_LENT || slot->told.value != life_generation(life) ||
        owner_kind(owner) == OWNER_DETACHED)
        return ANYBODY;
    return thread_in(seen, thread_of_tid(owner_tid(owner)));
}

/* Of a wait that may be about to begin. A job's borrow ends with the job's deadline. */
static int64_t deadline_of(const struct sim_thread *thread) {
    if (thread->state == SIM_BLOCKED && thread->locks == 0)
        return thread->until_ns;
    for (uint32_t i = 0; i < WATCHED_EXECUTORS; i++) {
        const lend_executor *executor = watcher.executors[i].executor;
        if (executor == NULL)
            continue;
        struct task *tasks[WATCHED_TASKS];
        uint32_t count = watcher_tasks(executor, tasks);
        for (uint32_t k = 0; k < count; k++)
            if (tasks[k]->stage == TASK_BORROWING && tasks[k]->runner_tid == sim_tid(thread))
                return tasks[k]->deadline.at_ns;
    }
    return thread->deadline_ns;
}

static void wait_begins(struct seen_world *seen, struct sim_thread *thread, enum doing doing,
                        int what, int ticket) {
    int i = thread_in(seen, thread);
    struct thread_state *t = &seen->world.thread[i];
    t->doing = doing;
    t->what = what;
    t->ticket = ticket;
    if (thread != NULL)
        seen->deadlines[i] = deadline_of(thread);
}

static void add_pool(struct seen_world *seen, const lend_pool *pool) {
    struct world *world = &seen->world;
    int p = world->pools++;
    for (uint32_t i = 0; i < pool->slot_count; i++) {
        if (life_state(pool->slots[i].life.value) == SLOT_ABSENT)
            continue;
        if (world->units[p] == WORLD_UNITS) {
            seen->fits = false;
            return;
        }
        world->holder[p][world->units[p]++] = holder_of(seen, &pool->slots[i]);
    }
    int ticket = 1;
    for (const struct list_node *node = pool->locked.waiters.first; node != NULL; node = node->next)
        wait_begins(seen, sim_thread_of(node), WAITS_FOR_POOL, p, ticket++);
}

/* Its wait is over by then in any case. */
static void end_with(struct seen_world *seen, struct sim_thread *thread, int64_t until_ns) {
    int i = thread_in(seen, thread);
    if (until_ns < seen->deadlines[i])
        seen->deadlines[i] = until_ns;
}

static void add_waits_for(struct seen_world *seen, const struct list *queue, int job,
                          int64_t until_ns) {
    for (const struct list_node *node = queue->first; node != NULL; node = node->next) {
        wait_begins(seen, sim_thread_of(node), WAITS_FOR_JOB, job, 0);
        end_with(seen, sim_thread_of(node), until_ns);
    }
}

/* Who waits for a job that is decided, or over, waits for somebody who is on the way to tell him:
 * he counts as running. */
static void add_task(struct seen_world *seen, const struct task *task, int executor,
                     const struct task *tasks[]) {
    struct world *world = &seen->world;
    if (world->jobs == WORLD_JOBS) {
        seen->fits = false;
        return;
    }
    bool queued = task->stage == TASK_QUEUED;
    if (task->stage == TASK_FINISHED || (queued && task->future.outcome.value != LEND_PENDING))
        return;
    int job = world->jobs++;
    tasks[job] = task;
    world->job[job] = (struct job_state){queued ? JOB_QUEUED : JOB_RUNS, executor, WORLD_FOREVER};
    if (!queued) {
        int runner = thread_in(seen, thread_of_tid(task->runner_tid));
        if (world->thread[runner].runs_job != NOBODY)
            seen->fits = false;
        world->thread[runner].runs_job = job;
    }
    add_waits_for(seen, &task->future.waiters, job, task->deadline.at_ns);
    add_waits_for(seen, &task->future.joiners, job, INT64_MAX);
}

static void add_executor(struct seen_world *seen, const lend_executor *executor,
                         const struct task *tasks[]) {
    int e = seen->world.executors++;
    for (uint32_t i = 0; i < executor->options.workers; i++)
        if (executor->workers != NULL && executor->workers[i].tid != 0)
            seen->world.thread[thread_in(seen, thread_of_tid(executor->workers[i].tid))].works_for =
                e;
    struct task *live[WATCHED_TASKS];
    uint32_t count = watcher_tasks(executor, live);
    for (uint32_t i = 0; i < count; i++)
        add_task(seen, live[i], e, tasks);
}

/* Only the order of deadlines matters. */
static void rank_deadlines(struct seen_world *seen) {
    for (int i = 0; i < seen->world.threads; i++) {
        int rank = 1;
        if (seen->deadlines[i] == INT64_MAX)
            continue;
        for (int j = 0; j < seen->world.threads; j++)
            rank += seen->deadlines[j] < seen->deadlines[i];
        seen->world.thread[i].deadline = rank;
    }
}

static void see(struct seen_world *seen, const struct task *tasks[]) {
    memset(seen, 0, sizeof *seen);
    seen->fits = true;
    for (uint32_t i = 0; i < WATCHED_POOLS; i++)
        if (watcher.pools[i].pool != NULL)
            add_pool(seen, watcher.pools[i].pool);
    for (uint32_t i = 0; i < WATCHED_EXECUTORS; i++)
        if (watcher.executors[i].executor != NULL)
            add_executor(seen, watcher.executors[i].executor, tasks);
}

/* what the oracle has said */

#define SAID_MAX (1 << 14)

static enum hope ask(const struct world *world, int thread) {
    static struct said {
        bool used;
        uint8_t hope[WORLD_THREADS]; /* 0: not asked, else enum hope + 1 */
        struct world world;
    } * all;
    if (all == NULL && (all = calloc(SAID_MAX, sizeof *all)) == NULL)
        abort();
    uint64_t hash = 0;
    for (size_t i = 0; i + sizeof(int) <= sizeof *world; i += sizeof(int)) {
        int number;
        memcpy(&number, (const char *)world + i, sizeof number);
        hash = scrambled(hash + (uint64_t)(int64_t)number);
    }
    struct said *said = &all[hash % SAID_MAX];
    if (!said->used || memcmp(&said->world, world, sizeof *world) != 0)
        *said = (struct said){.used = true, .world = *world};
    if (said->hope[thread] == 0) {
        said->hope[thread] = (uint8_t)(world_hope(world, thread) + 1);
        watcher.oracle_asked++;
    }
    watcher.oracle_unsure += said->hope[thread] - 1 == TOO_LARGE_TO_TELL;
    return (enum hope)(said->hope[thread] - 1);
}

void check_hope(void) {
    struct seen_world seen;
    const struct task *tasks[WORLD_JOBS];
    bool anybody = false;
    for (uint32_t i = 0; i < WATCHED_POOLS; i++)
        anybody |= watcher.pools[i].pool != NULL && watcher.pools[i].wait_count > 0;
    for (uint32_t i = 0; i < WATCHED_EXECUTORS; i++)
        anybody |= watcher.executors[i].executor != NULL && watcher.executors[i].wait_count > 0;
    if (!anybody)
        return;
    see(&seen, tasks);
    rank_deadlines(&seen);
    /* whoever is in a queue and awake has his check still before him */
    for (int i = 0; i < seen.world.threads; i++)
        if (seen.world.thread[i].doing != RUNS && seen.threads[i]->state != SIM_BLOCKED &&
            seen.threads[i] != machine.running)
            return;
    if (!seen.fits) {
        watcher.oracle_unsure++;
        return;
    }
    for (int i = 0; i < seen.world.threads; i++)
        if (seen.world.thread[i].doing != RUNS)
            SIM_CHECK("NOHOPE", ask(&seen.world, i) != HOPELESS,
                      "%s waits, cannot go on before its deadline, and was not refused",
                      seen.threads[i]->name);
}

/* Between the judgement and this moment time may have passed: whose deadline is behind him would
 * have timed out by now, and others of the ring may have. */
void check_refusal(const struct watched_wait *refused, const lend_pool *pool) {
    struct seen_world seen;
    const struct task *tasks[WORLD_JOBS];
    see(&seen, tasks);
    int what = 0;
    if (pool != NULL)
        while (what < WATCHED_POOLS - 1 && watcher.pools[what].pool != pool)
            what++;
    else
        while (what < seen.world.jobs - 1 && tasks[what] != refused->task)
            what++;
    wait_begins(&seen, refused->thread, pool != NULL ? WAITS_FOR_POOL : WAITS_FOR_JOB, what,
                /* ticket= */ 0);
    if (refused->task != NULL && !refused->joins)
        end_with(&seen, refused->thread, refused->task->deadline.at_ns);
    int i = thread_in(&seen, refused->thread);
    if (seen.deadlines[i] <= machine.now_ns)
        return;
    rank_deadlines(&seen);
    watcher.oracle_refused++;
    if (!seen.fits) {
        watcher.oracle_unsure++;
        return;
    }
    SIM_CHECK("SOUND", ask(&seen.world, i) != HOPEFUL, "%s was refused, and could have gone on",
              refused->thread->name);
}
