/* SPDX-License-Identifier: MIT
 *
 * The deadlock check against exhaustive search: random states of threads, tasks of threads, pools
 * and jobs, and for each the question whether a wait can end before its deadline, answered by
 * trying everything that anybody could do. */
#include "pool/watch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { THREADS_MAX = 6, TASKS_MAX = 4, ACTORS_MAX = THREADS_MAX + TASKS_MAX };
enum { POOLS_MAX = 3, UNITS_MAX = 3, JOBS_MAX = 4, EXECUTORS_MAX = 2 };
enum { NOBODY = -1, ANYBODY = -2 }; /* a unit that is free, or whose lease was detached */
enum { FOREVER = 1000 };
enum { STATES = 120000 };

enum doing { RUNS, WAITS_FOR_POOL, WAITS_FOR_JOB };

/* A thread, or a task that lives on one. */
struct actor {
    enum doing doing;
    int what;      /* the pool or job it waits for */
    int deadline;  /* of the wait */
    int ticket;    /* its place in the pool's queue */
    int runs_job;  /* the job that it runs, or NOBODY */
    int works_for; /* executor, or NOBODY */
    int thread;    /* that it is or lives on */
    int number;    /* of a task: its name */
    int restless;  /* a task that has two waits at once, under one name: it goes on all the same */
};

enum job_stage { JOB_QUEUED, JOB_RUNS, JOB_OVER };

struct job_state {
    enum job_stage stage;
    int executor, deadline;
};

struct world {
    int threads, actors, pools, jobs, executors; /* threads come first, then tasks */
    int units[POOLS_MAX];                        /* how many it has */
    int holder[POOLS_MAX][UNITS_MAX];
    struct actor actor[ACTORS_MAX];
    struct job_state job[JOBS_MAX];
};

/* When a wait ends of itself. */
static int end_of(const struct world *world, int actor) {
    const struct actor *t = &world->actor[actor];
    int deadline = t->deadline;
    if (t->doing == WAITS_FOR_JOB && world->job[t->what].deadline < deadline)
        deadline = world->job[t->what].deadline;
    return deadline;
}

static bool is_task(const struct world *world, int actor) {
    return actor >= world->threads;
}

/* Can it give back what it holds? A task does that on its thread. */
static bool can_act(const struct world *world, int actor) {
    const struct actor *t = &world->actor[actor];
    return world->actor[t->thread].doing == RUNS && (t->doing == RUNS || t->restless != 0);
}

/* what anybody can do */

/* What a task is granted is told by whoever runs its queue, and so may come back from anybody. */
static void give_unit(struct world *world, int pool, int unit) {
    int head = NOBODY;
    for (int i = 0; i < world->actors; i++) {
        const struct actor *t = &world->actor[i];
        if (t->doing == WAITS_FOR_POOL && t->what == pool &&
            (head == NOBODY || t->ticket < world->actor[head].ticket))
            head = i;
    }
    world->holder[pool][unit] = head != NOBODY && is_task(world, head) ? ANYBODY : head;
    if (head != NOBODY)
        world->actor[head].doing = RUNS;
}

static void end_job(struct world *world, int job) {
    world->job[job].stage = JOB_OVER;
    for (int i = 0; i < world->threads; i++)
        if (world->actor[i].doing == WAITS_FOR_JOB && world->actor[i].what == job)
            world->actor[i].doing = RUNS;
}

static void start_job(struct world *world, int thread) {
    for (int j = 0; j < world->jobs; j++) {
        struct job_state *job = &world->job[j];
        if (job->stage == JOB_QUEUED && job->executor == world->actor[thread].works_for) {
            job->stage = JOB_RUNS;
            world->actor[thread].runs_job = j;
            return;
        }
    }
}

/* exhaustive search */

#define SEEN_MAX (1 << 16)

struct search {
    int target; /* the actor whose wait it is about */
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

static bool after_releases(struct search *search, const struct world *world, int actor) {
    for (int p = 0; p < world->pools; p++)
        for (int u = 0; u < world->units[p]; u++)
            if (world->holder[p][u] == actor || world->holder[p][u] == ANYBODY) {
                struct world next = *world;
                give_unit(&next, p, u);
                if (can_end(search, next))
                    return true;
            }
    return false;
}

static bool after_job_end(struct search *search, const struct world *world, int thread) {
    int job = world->actor[thread].runs_job;
    if (job == NOBODY)
        return false;
    struct world next = *world;
    next.actor[thread].runs_job = NOBODY;
    end_job(&next, job);
    start_job(&next, thread);
    return can_end(search, next);
}

/* The next deadline passes: all waits and queued jobs that end then. */
static bool after_time(struct search *search, const struct world *world) {
    int next_time = search->limit;
    for (int i = 0; i < world->actors; i++)
        if (world->actor[i].doing != RUNS && end_of(world, i) < next_time)
            next_time = end_of(world, i);
    if (next_time == search->limit)
        return false;
    struct world next = *world;
    for (int i = 0; i < world->actors; i++)
        if (world->actor[i].doing != RUNS && end_of(world, i) == next_time)
            next.actor[i].doing = RUNS;
    return can_end(search, next);
}

static bool can_end(struct search *search, struct world world) {
    if (world.actor[search->target].doing == RUNS)
        return true;
    if (was_seen(search, &world))
        return false;
    for (int i = 0; i < world.actors; i++)
        if (can_act(&world, i) &&
            (after_releases(search, &world, i) || after_job_end(search, &world, i)))
            return true;
    for (int p = 0; p < world.pools; p++) /* what is detached, anybody may bring back */
        for (int u = 0; u < world.units[p]; u++)
            if (world.holder[p][u] == ANYBODY) {
                struct world next = world;
                give_unit(&next, p, u);
                if (can_end(search, next))
                    return true;
            }
    return after_time(search, &world);
}

/* Can this wait end before its time? */
static bool is_hopeful(struct search *search, const struct world *world, int actor) {
    search->target = actor;
    search->limit = end_of(world, actor);
    search->number++;
    search->count = 0;
    return can_end(search, *world);
}

/* the same world, as the watch sees it */

struct shown {
    struct wait wait;
    const struct world *world;
    int actor;
    bool hushed; /* while it is only being shown */
};

static uint32_t tid_of(int thread) {
    return (uint32_t)thread + 1;
}

static owner_word owner_of(const struct world *world, int actor) {
    const struct actor *t = &world->actor[actor];
    if (is_task(world, actor))
        return owner_make(OWNER_TASK, tid_of(t->thread), (uint64_t)t->number);
    return owner_make(OWNER_THREAD, tid_of(actor), (uint64_t)actor + 1);
}

static struct tie tie_of(const struct world *world, int actor, int slot) {
    const struct actor *t = &world->actor[actor];
    return (struct tie){.tid = tid_of(t->thread),
                        .task = is_task(world, actor) ? (uint64_t)t->number : 0,
                        .slot = slot};
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
        const struct actor *t = &world->actor[i];
        bool could = job->stage == JOB_RUNS ? t->runs_job == index : t->works_for == job->executor;
        if (could && lend__watch_meets(walk, &shown->wait, tie_of(world, i, -1)))
            return true;
    }
    return false;
}

static bool may_end(struct wait *wait, struct walk *walk) {
    struct shown *shown = (struct shown *)(void *)wait;
    const struct actor *t = &shown->world->actor[shown->actor];
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

static void name(const struct wait *wait, char *buffer, size_t size) {
    (void)wait;
    snprintf(buffer, size, "something");
}

static const struct wait_ops ops = {.may_end = may_end, .refuse = refuse, .name = name};

/* Who is refused when the wait of `newest` was the last to begin: an actor, or NOBODY. */
static int judge(const struct world *world, int newest) {
    struct shown shown[ACTORS_MAX];
    for (int i = 0; i < world->actors; i++) {
        int end = end_of(world, i);
        shown[i] = (struct shown){
            .wait = {.ops = &ops,
                     .deadline = {end == FOREVER ? INT64_MAX : end},
                     .owner = owner_of(world, i)},
            .world = world,
            .actor = i,
            .hushed = true,
        };
        if (world->actor[i].doing != RUNS)
            lend__watch_show(&shown[i].wait);
    }
    for (int i = 0; i < world->actors; i++)
        shown[i].hushed = false;
    struct wait *victim = lend__watch_judge(&shown[newest].wait);
    for (int i = 0; i < world->actors; i++)
        if (world->actor[i].doing != RUNS)
            lend__watch_hide(&shown[i].wait);
    return victim != NULL ? ((struct shown *)(void *)victim)->actor : NOBODY;
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
    return below(2) == 0 ? FOREVER : 1 + below(20);
}

/* Workers first, then plain threads; each running job has its worker. */
static void make_jobs(struct world *world) {
    for (int i = 0; i < world->threads; i++) {
        world->actor[i].runs_job = NOBODY;
        world->actor[i].works_for = NOBODY;
    }
    world->executors = below(EXECUTORS_MAX + 1);
    int worker = 0;
    for (int e = 0; e < world->executors; e++) {
        int workers = 1 + below(2);
        for (int w = 0; w < workers && worker < world->threads && world->jobs < JOBS_MAX; w++) {
            world->actor[worker].works_for = e;
            world->actor[worker++].runs_job = world->jobs;
            world->job[world->jobs++] = (struct job_state){JOB_RUNS, e, random_deadline()};
        }
        if (world->jobs < JOBS_MAX && workers > 0 && below(2) == 0)
            world->job[world->jobs++] = (struct job_state){JOB_QUEUED, e, random_deadline()};
    }
}

static void make_pools(struct world *world) {
    world->pools = 1 + below(POOLS_MAX);
    for (int p = 0; p < world->pools; p++) {
        world->units[p] = 1 + below(UNITS_MAX);
        for (int u = 0; u < world->units[p]; u++)
            world->holder[p][u] = below(25) == 0 ? ANYBODY : below(world->actors);
    }
}

/* A queued job without a worker would wait for nobody at all. */
static bool has_worker(const struct world *world, const struct job_state *job) {
    for (int i = 0; i < world->threads; i++)
        if (world->actor[i].works_for == job->executor)
            return true;
    return false;
}

/* In half of all worlds. */
static void make_tasks(struct world *world) {
    world->actors = world->threads;
    for (int i = 0; i < world->threads; i++)
        world->actor[i].thread = i;
    if (below(2) == 0)
        return;
    for (int i = 0, tasks = 1 + below(TASKS_MAX); i < tasks; i++)
        world->actor[world->actors++] = (struct actor){.runs_job = NOBODY,
                                                       .works_for = NOBODY,
                                                       .thread = below(world->threads),
                                                       .number = i + 1};
}

/* Of a task's two waits at once the other is another task's, which takes its name. */
static void make_restless(struct world *world) {
    int last = world->actors - 1;
    if (last - 1 < world->threads || below(4) != 0)
        return;
    struct actor *one = &world->actor[last - 1], *other = &world->actor[last];
    if (one->doing == RUNS || other->doing == RUNS)
        return;
    other->number = one->number;
    one->restless = other->restless = 1;
}

static void make_waits(struct world *world) {
    for (int i = 0; i < world->actors; i++) {
        struct actor *t = &world->actor[i];
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
    struct search *search = calloc(1, sizeof *search);
    assert_non_null(search);
    int refused = 0, undecided = 0;
    random_state = 88172645463325252u;
    for (int i = 0; i < STATES; i++) {
        struct world world;
        make_world(&world);
        int newest = below(world.actors);
        if (world.actor[newest].doing == RUNS) {
            i--;
            continue;
        }
        int victim = judge(&world, newest);
        int asked = victim != NOBODY ? victim : newest;
        search->overflowed = false;
        bool hopeful = is_hopeful(search, &world, asked);
        if (search->overflowed && !hopeful) {
            undecided++;
            continue;
        }
        refused += victim != NOBODY;
        if (hopeful != (victim == NOBODY))
            fail_msg("state %d: actor %d %s, and could %s", i, asked,
                     victim != NOBODY ? "was refused" : "was left to wait",
                     hopeful ? "have gone on" : "never go on");
    }
    free(search);
    print_message("%d states: %d refused, %d too large to search\n", STATES, refused, undecided);
    assert_true(refused > STATES / 20 && refused < STATES / 20 * 19);
    assert_true(undecided < STATES / 100);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_check_agrees_with_exhaustive_search_in_every_random_state),
    };
    return cmocka_run_group_tests_name("watch", tests, NULL, NULL);
}
