/* SPDX-License-Identifier: MIT
 *
 * What is done with pools while faults strike. */
#include "faults/inject.h"
#include "faults/stage.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define SOON lend_within_ms(PATIENCE_MS)

/* A pool that could be opened is one whose children are told so: forking is minded, or the open has
 * failed. */
static void ask_in_a_child(lend_pool *pool) {
    int status = 0;
    pid_t child = fork();
    if (child == 0) {
        faults_disarm();
        struct lend_lease lease = lend_acquire(pool, LEND_NOW);
        _exit(lend_lease_error(&lease) == EOWNERDEAD ? 0 : 1);
    }
    MUST(waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void use(struct lend_lease *lease) {
    model_begin(lease->model);
    model_end(lease->model);
    lend_release(lease);
}

static void open_one(struct stage *stage) {
    stage->strikes_open = true;
    if (!STAGE_POOL(.name = "one", .models = 1))
        return;
    struct lend_lease lease = lend_acquire(stage->pool, SOON);
    if (MAY_BORROW(&lease, ENOMEM))
        use(&lease);
    MUST(stats_of(stage->pool).grants + stats_of(stage->pool).refusals == 1);
    ask_in_a_child(stage->pool);
}

static void tell(uint32_t loaded, uint32_t models, void *context) {
    (void)models;
    uint32_t *told = context;
    MUST(loaded == *told + 1);
    *told = loaded;
}

static void open_several(struct stage *stage) {
    uint32_t told = 0, all = 0;
    stage->strikes_open = true;
    if (STAGE_POOL(.models = 4, .loaders = 2, .progress = tell, .progress_context = &told))
        MUST(told == 4);
    if (STAGE_OTHER(.models = LEND_MODELS_AUTO, .progress = tell, .progress_context = &all))
        MUST(stats_of(stage->other).models == all);
}

/* the queue */

static void wait_for_one(struct actor *actor) {
    struct lend_lease lease = lend_acquire(actor->stage->pool, SOON);
    if (MAY_BORROW(&lease, ENOMEM, EIO))
        use(&lease);
}

static void print_all(struct stage *stage) {
    char words[4096];
    MUST(lend_pool_print(stage->pool, words, sizeof words) > 0);
    lend_pool_print_json(stage->pool, words, sizeof words);
    MUST(lend_dump(words, sizeof words) > 0);
}

/* The first model is nobody's, so that this thread may wait beside the other one. */
static void queue_up(struct stage *stage) {
    struct actor waiter;
    if (!STAGE_POOL(.models = 1, .waiters_max = 1))
        return;
    struct lend_lease held = lend_acquire(stage->pool, LEND_NOW);
    if (!MAY_BORROW(&held, EBUSY, ENOMEM))
        return;
    MUST(lend_lease_detach(&held) == 0);
    actor_start(&waiter, stage, wait_for_one);
    MUST(eventually(stats_of(stage->pool).waiting == 1 || atomic_load(&waiter.over)));
    struct lend_lease late = lend_acquire(stage->pool, lend_within_ms(2));
    MUST(!MAY_BORROW(&late, ENOBUFS, ENOMEM, ETIMEDOUT));
    struct lend_lease now = lend_acquire(stage->pool, LEND_NOW);
    MUST(!MAY_BORROW(&now, EBUSY, ENOMEM));
    print_all(stage);
    lend_release(&held);
    actor_join(&waiter);
}

static void time_out(struct stage *stage) {
    if (!STAGE_POOL(.models = 1))
        return;
    struct lend_lease held = lend_acquire(stage->pool, LEND_NOW);
    if (!MAY_BORROW(&held, EBUSY, ENOMEM))
        return;
    MUST(lend_lease_detach(&held) == 0);
    struct lend_lease late = lend_acquire(stage->pool, lend_within_ms(2));
    MUST(!MAY_BORROW(&late, ENOMEM, ETIMEDOUT));
    lend_release(&held);
}

/* a ring */

static void hold_one_and_wait_for_the_other(struct actor *actor) {
    struct lend_lease mine = lend_acquire(actor->stage->other, LEND_NOW);
    bool holds = MAY_BORROW(&mine, ENOMEM);
    tally_add(&actor->ready);
    tally_wait(&actor->go, 1);
    if (!holds)
        return;
    struct lend_lease more = lend_acquire(actor->stage->pool, SOON);
    if (MAY_BORROW(&more, EDEADLK, ENOMEM, EIO))
        use(&more);
    lend_release(&mine);
}

static void run_in_a_ring(struct stage *stage) {
    struct actor peer;
    if (!STAGE_POOL(.models = 1) || !STAGE_OTHER(.models = 1))
        return;
    actor_start(&peer, stage, hold_one_and_wait_for_the_other);
    tally_wait(&peer.ready, 1);
    struct lend_lease mine = lend_acquire(stage->pool, LEND_NOW);
    bool holds = MAY_BORROW(&mine, ENOMEM);
    tally_add(&peer.go);
    if (holds) {
        struct lend_lease more = lend_acquire(stage->other, SOON);
        if (MAY_BORROW(&more, EDEADLK, ENOMEM, EIO))
            use(&more);
        lend_release(&mine);
    }
    actor_join(&peer);
}

/* One model is its own, the other one is about to go for good. */
static void wait_for_what_goes(struct actor *actor) {
    struct lend_lease mine = lend_acquire(actor->stage->pool, SOON);
    struct lend_lease gone = lend_acquire(actor->stage->pool, SOON);
    MAY_BORROW(&mine, ENOMEM, EIO);
    MAY_BORROW(&gone, ENOMEM, EIO);
    tally_add(&actor->ready);
    tally_wait(&actor->go, 1);
    lend_release(&gone);
    struct lend_lease more = lend_acquire(actor->stage->pool, lend_within_ms(2000));
    if (MAY_BORROW(&more, EDEADLK, ENOMEM, EIO, ETIMEDOUT))
        use(&more);
    lend_release(&mine);
}

static void lose_what_is_awaited(struct stage *stage) {
    static struct gate gate; /* somebody may be just leaving it */
    struct actor waiter;
    if (!STAGE_POOL(.models = 2))
        return;
    gate_init(&gate);
    atomic_store(&stage->unload_gate, &gate);
    actor_start(&waiter, stage, wait_for_what_goes);
    tally_wait(&waiter.ready, 1);
    MAY(lend_pool_resize(stage->pool, 1, LEND_NOW, NULL), ETIMEDOUT, EIO);
    tally_add(&waiter.go);
    MUST(eventually(stats_of(stage->pool).waiting == 1 || atomic_load(&waiter.over)));
    gate_open(&gate);
    actor_join(&waiter);
}

/* models that go and come */

static void break_one(struct stage *stage) {
    if (!STAGE_POOL(.models = 2))
        return;
    struct lend_lease lease = lend_acquire(stage->pool, SOON);
    if (!MAY_BORROW(&lease, ENOMEM))
        return;
    lend_release_broken(&lease, "it smells");
    MUST(eventually(stats_of(stage->pool).loads + stats_of(stage->pool).load_failures >= 3));
}

/* Its only mender does not come back, and there may be no thread for another at first. */
static void lose_a_mender(struct stage *stage) {
    static struct gate gate; /* likewise */
    if (!STAGE_POOL(.models = 1, .models_max = 2, .load_alarm_ms = 5))
        return;
    gate_init(&gate);
    atomic_store(&stage->unload_gate, &gate);
    struct lend_lease lease = lend_acquire(stage->pool, SOON);
    if (MAY_BORROW(&lease, ENOMEM))
        lend_release_broken(&lease, "it does not stop");
    MUST(eventually(stats_of(stage->pool).stuck == 1 || faults_struck()));
    atomic_store(&stage->unload_gate, NULL);
    MAY(lend_pool_resize(stage->pool, 2, LEND_NOW, NULL), ETIMEDOUT, ENOMEM, EIO);
    MUST(eventually(stats_of(stage->pool).free == 1 || faults_struck()));
    faults_disarm();
    MAY(lend_pool_resize(stage->pool, 2, LEND_NOW, NULL), ETIMEDOUT, EIO);
    MUST(eventually(stats_of(stage->pool).free >= 1)); /* though the first is still away */
    gate_open(&gate);
}

static void lose_all(struct stage *stage) {
    if (!STAGE_POOL(.models = 1))
        return;
    for (int i = 0; i < 2; i++) {
        struct lend_lease lease = lend_acquire(stage->pool, lend_within_ms(1000));
        if (MAY_BORROW(&lease, ENOMEM, EIO))
            lend_release_broken(&lease, NULL);
    }
}

static void reload_and_resize(struct stage *stage) {
    struct lend_reason reason = {0};
    if (!STAGE_POOL(.models = 2, .models_max = 3))
        return;
    int error = lend_pool_reload(stage->pool, SOON, &reason);
    MAY(error, EIO);
    MUST(error != EIO || reason.text[0] != '\0');
    MAY(lend_pool_resize(stage->pool, 3, SOON, &reason), EIO);
    MUST(lend_pool_suspend(stage->pool) == 0);
    MAY(lend_pool_resize(stage->pool, 1, SOON, &reason), EIO);
    MUST(lend_pool_resume(stage->pool) == 0);
}

static void check_idle_ones(struct stage *stage) {
    if (!STAGE_POOL(.models = 1, .check_every_ms = 1))
        return;
    unsigned before = atomic_load(&stage->checks);
    MUST(eventually(atomic_load(&stage->checks) > before || stats_of(stage->pool).lost > 0));
}

/* hands */

static void adopt_and_end(struct actor *actor) {
    struct lend_lease lease = lend_acquire(actor->stage->pool, SOON);
    if (MAY_BORROW(&lease, ENOMEM, EIO))
        model_begin(lease.model), model_end(lease.model);
    pthread_exit(NULL); /* with it */
}

static void detach_for_another(struct actor *actor) {
    struct lend_lease lease = lend_acquire(actor->stage->pool, SOON);
    if (!MAY_BORROW(&lease, ENOMEM, EIO))
        return;
    MUST(lend_lease_detach(&lease) == 0);
    MUST(lend_lease_adopt(&lease) == 0);
    use(&lease);
}

/* Whatever could not be had for it, a thread's end is seen. */
static void end_with_a_lease(struct stage *stage) {
    struct actor actors[2];
    if (!STAGE_POOL(.models = 1))
        return;
    actor_start(&actors[0], stage, detach_for_another);
    actor_join(&actors[0]);
    actor_start(&actors[1], stage, adopt_and_end);
    actor_join(&actors[1]);
    MUST(stats_of(stage->pool).lent == 0);
}

static int run_once(void *model, void *argument) {
    model_begin(model);
    model_end(model);
    ++*(int *)argument;
    return 0;
}

static void run_in_place(struct stage *stage) {
    int runs = 0;
    if (!STAGE_POOL(.models = 1, .recycle_lends = 1))
        return;
    bool ran = MAY(lend_run(stage->pool, SOON, run_once, &runs), ENOMEM, EIO);
    MUST(runs == (ran ? 1 : 0));
}

static void close_over_a_straggler(struct stage *stage) {
    struct lend_report *report = NULL;
    if (!STAGE_POOL(.models = 1))
        return;
    struct lend_lease held = lend_acquire(stage->pool, LEND_NOW);
    if (!MAY_BORROW(&held, EBUSY, ENOMEM))
        return;
    MUST(lend_pool_close(stage->pool, LEND_NOW, &report) == EBUSY);
    MUST(report == NULL || report->holder_count == 1);
    lend_report_free(report);
    lend_release(&held);
    stage->shut = true;
}

const struct scenario pool_scenarios[] = {
    {"open one", open_one},
    {"open several", open_several},
    {"queue up", queue_up},
    {"time out", time_out},
    {"run in a ring", run_in_a_ring},
    {"lose what is awaited", lose_what_is_awaited},
    {"break one", break_one},
    {"lose a mender", lose_a_mender},
    {"lose all", lose_all},
    {"reload and resize", reload_and_resize},
    {"check idle ones", check_idle_ones},
    {"end with a lease", end_with_a_lease},
    {"run in place", run_in_place},
    {"close over a straggler", close_over_a_straggler},
    {0},
};
