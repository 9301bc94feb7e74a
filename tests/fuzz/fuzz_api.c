/* SPDX-License-Identifier: MIT
 *
 * Bytes become calls on a pool, made one at a time by two threads; after each, its answer and the
 * pool's statistics are those of the reference. */
#include "fuzz/fuzz.h"
#include "fuzz/reference.h"

#include <lend/lend.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CALLS_MAX = 200, HEALS_MAX = 2, SETTLE_MS = 5000 };

/* the models */

struct model {
    bool lent;
    unsigned lends;
};

static struct stand {
    lend_pool *pool;
    struct lend_lease leases[VARIABLES];
    struct reference reference;
    _Atomic bool loads_fail, reset_fails;
    unsigned heals;
    size_t made; /* calls so far */
} stand;

#define EXPECT(condition)                                                                          \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition);                \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

static int load(void **ret_model, void *context, struct lend_reason *reason) {
    (void)context;
    if (stand.loads_fail)
        return lend_reason_set(reason, EIO, "none left");
    *ret_model = calloc(1, sizeof(struct model));
    return *ret_model != NULL ? 0 : ENOMEM;
}

static void unload(void *model, void *context) {
    (void)context;
    EXPECT(!((struct model *)model)->lent);
    free(model);
}

static int reset(void *model, void *context, struct lend_reason *reason) {
    (void)model, (void)context, (void)reason;
    bool fails = stand.reset_fails;
    stand.reset_fails = false;
    return fails ? EIO : 0;
}

static const struct lend_model_ops ops =
    LEND_MODEL_OPS(.load = load, .unload = unload, .reset = reset);

static void print_difference(const struct lend_pool_stats *stats) {
    const struct reference *pool = &stand.reference;
    fprintf(stderr,
            "after call %zu: %u models, %u free, %u lent, %u loading, %u retiring, %u lost; "
            "expected: %u models, %u free, %u lent, %u lost of %u%s%s\n",
            stand.made, stats->models, stats->free, stats->lent, stats->loading, stats->retiring,
            stats->lost, reference_models(pool), pool->free, pool->lent, pool->lost, pool->target,
            pool->suspended ? ", suspended" : "", pool->loads_fail ? ", no loads" : "");
}

/* Until the keeper has done its work, which takes no time in the reference. */
static void compare(void) {
    const struct reference *pool = &stand.reference;
    struct lend_pool_stats stats;
    lend_deadline end = lend_within_ms(SETTLE_MS);
    for (;;) {
        EXPECT(lend_pool_stats_get(stand.pool, &stats) == 0);
        EXPECT(stats.models ==
               stats.free + stats.lent + stats.loading + stats.retiring + stats.lost);
        if (stats.free == pool->free && stats.lent == pool->lent && stats.lost == pool->lost &&
            stats.retiring == pool->retiring && stats.models == reference_models(pool))
            break;
        if (lend_deadline_left_ms(end) == 0)
            print_difference(&stats);
        EXPECT(lend_deadline_left_ms(end) > 0);
        sched_yield();
    }
    EXPECT(stats.waiting == 0 && stats.timeouts == 0);
    EXPECT(stats.suspended == pool->suspended);
    EXPECT(stats.grants == pool->grants);
    EXPECT(stats.refusals == pool->refusals);
    EXPECT(stats.broken == pool->broken);
    EXPECT(stats.recycled == pool->recycled);
    EXPECT(stats.bad_releases == pool->bad_releases);
}

/* the calls; each gets three bytes: who calls, and two more */

struct call {
    int caller;
    uint8_t one, two;
};

static struct variable *variable_of(uint8_t byte) {
    return &stand.reference.variables[byte % VARIABLES];
}

static struct lend_lease *lease_of(uint8_t byte) {
    return &stand.leases[byte % VARIABLES];
}

static const struct variable nothing = {.lease = -1};

/* What a variable holds is lost: it is released first. A copy of a failed lease would own the same
 * report: such are not made. */
static void release(const struct call *call, bool broken) {
    struct lend_lease *lease = lease_of(call->one);
    struct variable *variable = variable_of(call->one);
    struct granted *granted =
        variable->lease >= 0 ? &stand.reference.granted[variable->lease] : NULL;
    struct model *model = lease->model;
    bool may =
        granted != NULL && granted->live && (granted->detached || granted->owner == call->caller);
    bool unfit = broken || stand.reset_fails;
    if (may)
        model->lent = false;
    if (broken)
        lend_release_broken(lease, "fuzz");
    else
        lend_release(lease);
    if (granted != NULL && granted->live && !may) {
        stand.reference.bad_releases++; /* and it stays as it is */
        EXPECT(lend_lease_ok(lease));
        return;
    }
    EXPECT(!lend_lease_ok(lease) && lend_lease_error(lease) == ESTALE);
    EXPECT(lend_lease_report(lease) == NULL);
    if (may) {
        granted->live = false;
        reference_give_back(&stand.reference, granted, unfit);
    } else if (granted != NULL) {
        stand.reference.bad_releases++;
    }
    *variable = nothing;
}

static void call_release(const struct call *call) {
    release(call, /* broken= */ false);
}

static void call_release_broken(const struct call *call) {
    release(call, /* broken= */ true);
}

static void call_acquire(const struct call *call) {
    struct variable *variable = variable_of(call->one);
    struct reference *pool = &stand.reference;
    if (variable->lease >= 0 || pool->granted_count == LEASES_MAX)
        return;
    lend_release(lease_of(call->one));
    *variable = nothing;
    *lease_of(call->one) = lend_acquire(stand.pool, LEND_NOW);
    struct lend_lease *lease = lease_of(call->one);
    int error = reference_acquire(pool);
    EXPECT(lend_lease_error(lease) == error);
    variable->error = error;
    if (error != 0) {
        const struct lend_report *report = lend_lease_report(lease);
        EXPECT(report != NULL && report->error == error && report->lent == pool->lent);
        EXPECT(report->holder_count == pool->lent);
        return;
    }
    struct model *model = lease->model;
    EXPECT(!model->lent);
    model->lent = true;
    variable->lease = pool->granted_count++;
    pool->granted[variable->lease] =
        (struct granted){.live = true, .owner = call->caller, .turn = ++model->lends};
}

static void call_take(const struct call *call) {
    struct lend_lease *from = lease_of(call->one), *to = lease_of(call->two);
    if (variable_of(call->two)->lease >= 0 || from == to)
        return;
    lend_release(to);
    *to = lend_lease_take(from);
    *variable_of(call->two) = *variable_of(call->one);
    *variable_of(call->one) = nothing;
}

static void call_copy(const struct call *call) {
    if (variable_of(call->two)->lease >= 0 || variable_of(call->one)->lease < 0)
        return;
    lend_release(lease_of(call->two));
    *lease_of(call->two) = *lease_of(call->one);
    *variable_of(call->two) = *variable_of(call->one);
}

static int expected_handover(const struct call *call, bool adopts) {
    int lease = variable_of(call->one)->lease;
    struct granted *granted = lease >= 0 ? &stand.reference.granted[lease] : NULL;
    if (granted == NULL || !granted->live)
        return ESTALE;
    bool own = !granted->detached && granted->owner == call->caller;
    if (!own && !(adopts && granted->detached))
        return EPERM;
    granted->detached = !adopts;
    granted->owner = call->caller;
    return 0;
}

static void call_detach(const struct call *call) {
    EXPECT(lend_lease_detach(lease_of(call->one)) == expected_handover(call, /* adopts= */ false));
}

static void call_adopt(const struct call *call) {
    EXPECT(lend_lease_adopt(lease_of(call->one)) == expected_handover(call, /* adopts= */ true));
}

static void call_suspend(const struct call *call) {
    bool suspends = call->one % 2 == 0;
    int error = suspends ? lend_pool_suspend(stand.pool) : lend_pool_resume(stand.pool);
    EXPECT(error == (stand.reference.closing ? ESHUTDOWN : 0));
    if (error == 0)
        stand.reference.suspended = suspends;
}

/* For ever only where it comes to an end by itself. */
static void call_resize(const struct call *call) {
    struct reference *pool = &stand.reference;
    uint32_t models = call->one % (pool->models_max + 2);
    struct lend_reason reason = {0};
    if (pool->lost > 0)
        return;
    bool ends = models >= pool->lent;
    bool fails = pool->loads_fail && models > reference_models(pool);
    int error =
        lend_pool_resize(stand.pool, models, ends || fails ? LEND_FOREVER : LEND_NOW, &reason);
    if (models == 0 || models > pool->models_max) {
        EXPECT(error == EINVAL);
        return;
    }
    if (pool->closing) {
        EXPECT(error == ESHUTDOWN);
        return;
    }
    pool->target = models;
    reference_settle(pool);
    EXPECT(error == (fails ? EIO : ends ? 0 : ETIMEDOUT));
    EXPECT(error != EIO || strcmp(reason.text, "none left") == 0);
}

static void call_reload(const struct call *call) {
    (void)call;
    struct reference *pool = &stand.reference;
    if (pool->lent > 0 || pool->lost > 0)
        return;
    int error = lend_pool_reload(stand.pool, LEND_FOREVER, NULL);
    EXPECT(error == (pool->closing ? ESHUTDOWN : pool->loads_fail ? EIO : 0));
}

/* A slot whose load failed is tried again after a tenth of a second: not often, then. */
static void call_loader(const struct call *call) {
    struct reference *pool = &stand.reference;
    bool fails = call->one % 2 == 0;
    if (!fails && pool->lost > 0 && stand.heals++ >= HEALS_MAX)
        return;
    stand.loads_fail = pool->loads_fail = fails;
    if (fails || pool->closing)
        return;
    pool->free += pool->lost;
    pool->lost = 0;
}

static void call_reset(const struct call *call) {
    (void)call;
    stand.reset_fails = true;
}

static int run(void *model, void *argument) {
    *(unsigned *)argument = ++((struct model *)model)->lends;
    return 77;
}

static void call_run(const struct call *call) {
    unsigned turn = 0;
    struct reference *pool = &stand.reference;
    bool unfit = stand.reset_fails;
    int result = lend_run(stand.pool, LEND_NOW, run, &turn);
    int error = reference_acquire(pool);
    EXPECT(result == (error != 0 ? error : 77));
    EXPECT((turn != 0) == (error == 0));
    if (error != 0)
        return;
    struct granted granted = {.live = true, .owner = call->caller, .turn = turn};
    reference_give_back(pool, &granted, unfit);
}

/* Into a buffer of any size: never more, always ended; JSON, of which the length is told also if it
 * does not fit, only whole. */
static void call_print(const struct call *call) {
    size_t size = (size_t)(call->one * 4);
    char *buffer = malloc(size + 1);
    if (buffer == NULL)
        return;
    buffer[size] = 'x';
    size_t length = call->two % 3 == 0 ? lend_pool_print(stand.pool, buffer, size)
                    : call->two % 3 == 1
                        ? lend_pool_print_json(stand.pool, buffer, size)
                        : lend_report_print(lend_lease_report(lease_of(call->two)), buffer, size);
    EXPECT(buffer[size] == 'x');
    bool fits = length < size, json = call->two % 3 == 1;
    EXPECT(fits || json || size == 0);
    EXPECT(size == 0 ? json || length == 0 : strlen(buffer) == (fits ? length : 0));
    free(buffer);
}

/* At the end it is closed in any case. */
static void call_close(const struct call *call) {
    (void)call;
    struct reference *pool = &stand.reference;
    struct lend_report *report = NULL;
    if (pool->lent == 0)
        return;
    EXPECT(lend_pool_close(stand.pool, LEND_NOW, &report) == EBUSY);
    EXPECT(report != NULL && report->holder_count == pool->lent);
    lend_report_free(report);
    pool->closing = true;
}

static void call_nothing(const struct call *call) {
    struct lend_lease empty = {0};
    struct lend_deadline at = {(int64_t)(((uint64_t)call->one << 56) | call->two)};
    EXPECT(lend_deadline_left_ms(at) >= 0);
    EXPECT(lend_deadline_earlier(at, LEND_BY_DEFAULT).at_ns == at.at_ns);
    EXPECT(lend_strerror(call->one)[0] != '\0' && lend_errname(call->two)[0] != '\0');
    EXPECT(lend_lease_detach(&empty) == ESTALE && lend_lease_adopt(NULL) == ESTALE);
    lend_release(&empty);
    lend_release(NULL);
}

static void (*const calls[])(const struct call *) = {
    call_acquire, call_acquire, call_acquire, call_release, call_release, call_release_broken,
    call_take,    call_copy,    call_detach,  call_adopt,   call_suspend, call_resize,
    call_reload,  call_loader,  call_reset,   call_run,     call_print,   call_close,
    call_nothing,
};

/* the other caller */

static struct {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    void (*what)(const struct call *); /* under mutex; NULL: it was made */
    const struct call *call;
} other = {.mutex = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

static void *serve(void *unused) {
    (void)unused;
    pthread_mutex_lock(&other.mutex);
    for (;;) {
        while (other.what == NULL)
            pthread_cond_wait(&other.changed, &other.mutex);
        other.what(other.call);
        other.what = NULL;
        pthread_cond_signal(&other.changed);
    }
    return NULL;
}

static void make(void (*what)(const struct call *), const struct call *call) {
    static bool served;
    pthread_t thread;
    if (call->caller == 0) {
        what(call);
        return;
    }
    if (!served && pthread_create(&thread, NULL, serve, NULL) != 0)
        abort();
    served = true;
    pthread_mutex_lock(&other.mutex);
    other.what = what;
    other.call = call;
    pthread_cond_signal(&other.changed);
    while (other.what != NULL)
        pthread_cond_wait(&other.changed, &other.mutex);
    pthread_mutex_unlock(&other.mutex);
}

/* Each live lease goes back by whoever may, and the pool is closed. */
static void clear_up(void) {
    for (int caller = 0; caller < CALLERS; caller++)
        for (uint8_t i = 0; i < VARIABLES; i++) {
            struct call call = {.caller = caller, .one = i};
            make(call_release, &call);
        }
    EXPECT(stand.reference.lent == 0);
    EXPECT(lend_pool_close(stand.pool, lend_within_ms(SETTLE_MS), NULL) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < 2)
        return 0;
    memset(&stand, 0, sizeof stand);
    struct reference *pool = &stand.reference;
    pool->models_max = 1 + data[0] % 4;
    pool->free = pool->target = 1 + data[1] % pool->models_max;
    pool->recycle_lends = data[1] >> 6;
    for (int i = 0; i < VARIABLES; i++)
        pool->variables[i] = nothing;
    EXPECT(
        lend_pool_open(&stand.pool, &LEND_POOL_OPTIONS(.ops = &ops, .models = pool->target,
                                                       .models_max = pool->models_max, .loaders = 1,
                                                       .recycle_lends = pool->recycle_lends)) == 0);
    size_t count = (size - 2) / 3;
    for (size_t i = 0; i < count && i < CALLS_MAX; i++) {
        const uint8_t *bytes = data + 2 + 3 * i;
        struct call call = {.caller = bytes[0] >> 7, .one = bytes[1], .two = bytes[2]};
        stand.made = i + 1;
        make(calls[bytes[0] % (sizeof calls / sizeof *calls)], &call);
        compare();
    }
    clear_up();
    return 0;
}
