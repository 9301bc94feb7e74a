/* SPDX-License-Identifier: MIT
 *
 * The deadlock check against exhaustive search: random states of threads, their tasks, pools and
 * jobs, and for each the question whether a wait can end before its deadline, answered by trying
 * everything that anybody could do. */
#include "oracle/world.h"
#include "pool/watch.h"
#include "support/pace.h"

#include "base/memory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum {
    THREADS_MAX = 6,
    TASKS_MAX = 4,
    POOLS_MAX = 3,
    UNITS_MAX = 3,
    JOBS_MAX = 4,
    EXECUTORS_MAX = 2
};

/* the same world, as the watch sees it */

struct shown {
    struct wait wait;
    const struct world *world;
    int thread;
    bool hushed; /* while it is only being shown */
};

static bool is_task(const struct world *world, int thread) {
    return thread >= world->threads;
}

static uint32_t tid_of(const struct world *world, int thread) {
    return (uint32_t)(is_task(world, thread) ? world->thread[thread].lives_on : thread) + 1;
}

/* A task's name, 0 for a thread. The two waits of a restless one are under the same name. */
static uint64_t task_of(const struct world *world, int thread) {
    if (!is_task(world, thread))
        return 0;
    return world->thread[thread].restless != 0 ? 1000 : (uint64_t)thread + 1;
}

static owner_word owner_of(const struct world *world, int thread) {
    return is_task(world, thread)
               ? owner_make(OWNER_TASK, tid_of(world, thread), task_of(world, thread))
               : owner_make(OWNER_THREAD, tid_of(world, thread), (uint64_t)thread + 1);
}

static struct tie tie_of(const struct world *world, int thread, int slot) {
    return (struct tie){.tid = tid_of(world, thread), .task = task_of(world, thread), .slot = slot};
}

static bool pool_may_end(struct shown *shown, struct walk *walk, int pool) {
    const struct world *world = shown->world;
    for (int u = 0; u < world->units[pool]; u++) {
        int holder = world->holder[pool][u];
        if (holder < 0 || lend__watch_meets(walk, &shown->wait, tie_of(world, holder, u)))
            return true;
    }
    return false;
}

static bool job_may_end(struct shown *shown, struct walk *walk, const struct job_state *job,
                        int index) {
    const struct world *world = shown->world;
    for (int i = 0; i < world->threads; i++) {
        const struct thread_state *t = &world->thread[i];
        bool could = job->stage == JOB_RUNS ? t->runs_job == index : t->works_for == job->executor;
        if (could && lend__watch_meets(walk, &shown->wait, tie_of(world, i, -1)))
            return true;
    }
    return false;
}

static bool may_end(struct wait *wait, struct walk *walk) {
    struct shown *shown = (struct shown *)(void *)wait;
    const struct thread_state *t = &shown->world->thread[shown->thread];
    if (shown->hushed)
        return true;
    if (t->doing == WAITS_FOR_POOL)
        return pool_may_end(shown, walk, t->what);
    return job_may_end(shown, walk, &shown->world->job[t->what], t->what);
}

static void refuse(struct wait *wait, struct list *woken) {
    (void)wait;
    (void)woken;
}

static void name(const struct wait *wait, struct text *text) {
    (void)wait;
    lend__text_add(text, "something");
}

static const struct wait_ops ops = {.may_end = may_end, .refuse = refuse, .name = name};

/* Who is refused when the wait of `newest` was the last to begin: a thread, or NOBODY. */
static int judge(const struct world *world, int newest) {
    struct shown shown[THREADS_MAX + TASKS_MAX];
    for (int i = 0; i < world_waiters(world); i++) {
        int end = world_end_of_wait(world, i);
        shown[i] = (struct shown){
            .wait = {.ops = &ops,
                     .deadline = {end == WORLD_FOREVER ? INT64_MAX : end},
                     .owner = owner_of(world, i)},
            .world = world,
            .thread = i,
            .hushed = true,
        };
        if (world->thread[i].doing != RUNS)
            lend__watch_show(&shown[i].wait);
    }
    for (int i = 0; i < world_waiters(world); i++)
        shown[i].hushed = false;
    struct wait *victim = lend__watch_judge(&shown[newest].wait);
    for (int i = 0; i < world_waiters(world); i++)
        if (world->thread[i].doing != RUNS)
            lend__watch_hide(&shown[i].wait);
    return victim != NULL ? ((struct shown *)(void *)victim)->thread : NOBODY;
}

/* random worlds */

static uint64_t random_state;

/* xorshift64* (Vigna: An experimental exploration of Marsaglia's xorshift generators, 2016) */
static int below(int bound) {
    random_state ^= random_state >> 12;
    random_state ^= random_state << 25;
    random_state ^= random_state >> 27;
    return (int)((random_state * UINT64_C(2685821657736338717)) >> 33) % bound;
}

static int random_deadline(void) {
    return below(2) == 0 ? WORLD_FOREVER : 1 + below(20);
}

/* Workers first, then plain threads; each running job has its worker. */
static void make_jobs(struct world *world) {
    for (int i = 0; i < world->threads; i++) {
        world->thread[i].runs_job = NOBODY;
        world->thread[i].works_for = NOBODY;
    }
    world->executors = below(EXECUTORS_MAX + 1);
    int worker = 0;
    for (int e = 0; e < world->executors; e++) {
        int workers = 1 + below(2);
        for (int w = 0; w < workers && worker < world->threads && world->jobs < JOBS_MAX; w++) {
            world->thread[worker].works_for = e;
            world->thread[worker++].runs_job = world->jobs;
            world->job[world->jobs++] = (struct job_state){JOB_RUNS, e, random_deadline()};
        }
        if (world->jobs < JOBS_MAX && workers > 0 && below(2) == 0)
            world->job[world->jobs++] = (struct job_state){JOB_QUEUED, e, random_deadline()};
    }
}

/* In half of all worlds. */
static void make_tasks(struct world *world) {
    world->tasks = below(2) == 0 ? 0 : 1 + below(TASKS_MAX);
    for (int i = world->threads; i < world_waiters(world); i++) {
        struct thread_state *t = &world->thread[i];
        t->runs_job = t->works_for = NOBODY;
        t->lives_on = below(world->threads);
    }
}

/* The last two tasks, if both wait, become one. */
static void make_restless(struct world *world) {
    int last = world_waiters(world) - 1;
    if (world->tasks < 2 || below(4) != 0)
        return;
    struct thread_state *one = &world->thread[last - 1], *other = &world->thread[last];
    if (one->doing != RUNS && other->doing != RUNS)
        one->restless = other->restless = 1;
}

static void make_pools(struct world *world) {
    world->pools = 1 + below(POOLS_MAX);
    for (int p = 0; p < world->pools; p++) {
        world->units[p] = 1 + below(UNITS_MAX);
        for (int u = 0; u < world->units[p]; u++)
            world->holder[p][u] = below(25) == 0 ? ANYBODY : below(world_waiters(world));
    }
}

/* A queued job without a worker would wait for nobody at all. */
static bool has_worker(const struct world *world, const struct job_state *job) {
    for (int i = 0; i < world->threads; i++)
        if (world->thread[i].works_for == job->executor)
            return true;
    return false;
}

static void make_waits(struct world *world) {
    for (int i = 0; i < world_waiters(world); i++) {
        struct thread_state *t = &world->thread[i];
        t->deadline = random_deadline();
        t->ticket = i;
        if (below(is_task(world, i) ? 3 : 8) == 0)
            continue;
        int job = world->jobs > 0 && !is_task(world, i) ? below(world->jobs) : NOBODY;
        if (job != NOBODY && below(3) == 0 && t->runs_job != job &&
            has_worker(world, &world->job[job])) {
            t->doing = WAITS_FOR_JOB;
            t->what = job;
        } else {
            t->doing = WAITS_FOR_POOL;
            t->what = below(world->pools);
        }
    }
}

static void make_world(struct world *world) {
    memset(world, 0, sizeof *world);
    world->threads = 2 + below(THREADS_MAX - 1);
    make_jobs(world);
    make_tasks(world);
    make_pools(world);
    make_waits(world);
    make_restless(world);
}

static void the_check_agrees_with_exhaustive_search_in_every_random_state(void **state) {
    (void)state;
    int states = rounds(120000, 500), refused = 0, undecided = 0;
    random_state = 88172645463325252u;
    for (int i = 0; i < states; i++) {
        struct world world;
        make_world(&world);
        int newest = below(world_waiters(&world));
        if (world.thread[newest].doing == RUNS) {
            i--;
            continue;
        }
        int victim = judge(&world, newest);
        int asked = victim != NOBODY ? victim : newest;
        enum hope hope = world_hope(&world, asked);
        if (hope == TOO_LARGE_TO_TELL) {
            undecided++;
            continue;
        }
        refused += victim != NOBODY;
        if ((hope == HOPEFUL) != (victim == NOBODY))
            fail_msg("state %d: thread %d %s, and could %s", i, asked,
                     victim != NOBODY ? "was refused" : "was left to wait",
                     hope == HOPEFUL ? "have gone on" : "never go on");
    }
    print_message("%d states: %d refused, %d too large to search\n", states, refused, undecided);
    assert_true(refused > states / 20 && refused < states / 20 * 19);
    assert_true(undecided < states / 100);
}

static bool nobody_may_end(struct wait *wait, struct walk *walk) {
    (void)wait, (void)walk;
    return false;
}

static void unshown(struct wait *wait, struct list *woken) {
    (void)woken;
    wait->ops = &ops;
}

static void a_wait_that_nobody_can_end_is_refused_with_itself_as_the_only_step(void **state) {
    (void)state;
    static const struct wait_ops nobody = {
        .may_end = nobody_may_end, .refuse = unshown, .name = name};
    struct world world = {0};
    struct shown shown = {
        .wait = {.ops = &nobody, .deadline = LEND_FOREVER, .owner = owner_make(OWNER_THREAD, 1, 1)},
        .world = &world,
        .hushed = true};
    lend__watch_show(&shown.wait);
    lend__watch_hide(&shown.wait);
    assert_non_null(shown.wait.steps);
    assert_int_equal(shown.wait.steps->count, 1);
    assert_string_equal(shown.wait.steps->list[0].awaits, "something");
    lend__memory_free(shown.wait.steps);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_check_agrees_with_exhaustive_search_in_every_random_state),
        cmocka_unit_test(a_wait_that_nobody_can_end_is_refused_with_itself_as_the_only_step),
    };
    return cmocka_run_group_tests_name("watch", tests, NULL, NULL);
}
