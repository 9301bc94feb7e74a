/* SPDX-License-Identifier: MIT
 *
 * The models, and borrowing with both eyes open. */
#include "shop.h"

#include "fail.h"
#include "threads.h"
#include "watcher.h"

#include "pool/state.h"

#include "base/clock.h"

#include <string.h>

bool one_of(int error, int count, const int *list) {
    for (int i = 0; i < count; i++)
        if (error == list[i])
            return true;
    return false;
}

static void enter_callback(const char *what) {
    sim_point(what, NULL);
    SIM_CHECK("LOCK", machine.running->locks == 0, "%s under a lock of lend", what);
}

/* operations */

static int load(void **ret_model, void *context, struct lend_reason *reason) {
    struct shop *shop = context;
    enter_callback("loads a model");
    SIM_CHECK("ROOM", shop->loads < SHOP_MODELS, "more loads than the shop has room for");
    struct shop_model *model = &shop->models[shop->loads++];
    SIM_CHECK("BOUND", shop->pool == NULL || shop->alive < shop->pool->slot_count + 1,
              "%u models live, and another one is loaded", shop->alive);
    shop->alive++;
    if (shop->load_ms > 0)
        sim_pause_ms(shop->load_ms);
    if (shop->loads_fail > 0 && (!shop->loads_may_fail || sim_choose(2) != 0)) {
        shop->loads_fail--;
        shop->alive--;
        return lend_reason_set(reason, ENXIO, "no such engine");
    }
    *model = (struct shop_model){.shop = shop, .number = shop->loads, .loaded = true};
    *ret_model = model;
    return 0;
}

static void begin_operation(struct shop_model *model, const char *what) {
    enter_callback(what);
    SIM_CHECK("LOAD", model->loaded, "%s that is not loaded", what);
    SIM_CHECK("LOAD", !model->busy, "%s that somebody has", what);
    model->busy = true;
}

static void unload(void *object, void *context) {
    struct shop *shop = context;
    struct shop_model *model = object;
    begin_operation(model, "unloads a model");
    if (shop->unload_ms > 0)
        sim_pause_ms(shop->unload_ms);
    model->busy = model->loaded = false;
    shop->alive--;
}

static int reset(void *object, void *context, struct lend_reason *reason) {
    struct shop *shop = context;
    struct shop_model *model = object;
    begin_operation(model, "resets a model");
    shop->resets++;
    if (shop->reset_ms > 0)
        sim_pause_ms(shop->reset_ms);
    model->busy = false;
    model->soiled = false;
    if (shop->resets_fail == 0)
        return 0;
    shop->resets_fail--;
    return lend_reason_set(reason, EIO, "it is stuck");
}

static int check(void *object, void *context, struct lend_reason *reason) {
    struct shop *shop = context;
    struct shop_model *model = object;
    begin_operation(model, "checks a model");
    shop->checks++;
    model->busy = false;
    return model->unfit ? lend_reason_set(reason, EIO, "it is unfit") : 0;
}

static void hear(const struct lend_event *event, void *context) {
    struct shop *shop = context;
    enter_callback("tells the sink");
    shop->events[event->kind]++;
}

static const struct lend_model_ops operations =
    LEND_MODEL_OPS(.load = load, .unload = unload, .reset = reset, .check = check);

const struct lend_model_ops shop_plain_operations = LEND_MODEL_OPS(.load = load, .unload = unload);

/* opening and closing */

/* Off, unless the scenario wants them. */
static void calm_alarm(int64_t *ms) {
    if (*ms == 0)
        *ms = -1;
}

int shop_try_open(struct shop *shop, const struct lend_pool_options *options) {
    struct lend_pool_options own = *options;
    calm_alarm(&own.hold_alarm_ms);
    calm_alarm(&own.stall_alarm_ms);
    calm_alarm(&own.load_alarm_ms);
    if (own.loaders == 0)
        own.loaders = 1;
    if (own.ops == NULL)
        own.ops = &operations;
    own.ops_context = shop;
    own.sink = hear;
    own.sink_context = shop;
    int error = lend_pool_open(&shop->pool, &own);
    if (error == 0)
        watcher_add_pool(shop->pool);
    return error;
}

void shop_open(struct shop *shop, const struct lend_pool_options *options) {
    *shop = (struct shop){0};
    machine.calm = true;
    SIM_CHECK("OPEN", shop_try_open(shop, options) == 0, "the pool did not open");
    sim_settle();
    machine.calm = false;
}

void shop_closed(struct shop *shop) {
    SIM_CHECK("RET0", shop->alive == 0, "closed, and %u models live", shop->alive);
    shop->pool = NULL;
}

void shop_close(struct shop *shop) {
    struct lend_pool_stats stats;
    machine.calm = true;
    sim_settle();
    SIM_CHECK("CONS", lend_pool_stats_get(shop->pool, &stats) == 0, "no statistics");
    SIM_CHECK("CONS",
              stats.models == stats.free + stats.lent + stats.loading + stats.retiring + stats.lost,
              "the models do not add up");
    SIM_CHECK("HAND", stats.lent == 0, "%u models are lent, and nobody has them", stats.lent);
    SIM_CHECK("ONCE", stats.waiting == 0, "%u wait, and nobody is there", stats.waiting);
    SIM_CHECK("MONO", shop->shared || stats.grants == shop->granted,
              "%u leases were granted, and %u came", (unsigned)stats.grants,
              (unsigned)shop->granted);
    SIM_CHECK("MONO",
              shop->shared ||
                  (stats.timeouts == shop->timed_out && stats.refusals == shop->refused),
              "%u timeouts and %u refusals counted, %u and %u seen", (unsigned)stats.timeouts,
              (unsigned)stats.refusals, (unsigned)shop->timed_out, (unsigned)shop->refused);
    int error = lend_pool_close(shop->pool, lend_within_ms(1000), NULL);
    SIM_CHECK("CLOSED", error == 0, "the pool does not close: %s", lend_errname(error));
    shop_closed(shop);
    machine.calm = false;
}

/* borrowing */

void shop_model_taken(void *object) {
    struct shop_model *model = object;
    SIM_CHECK("EXCL", model->loaded, "%s got a model that is not loaded", machine.running->name);
    SIM_CHECK("EXCL", !model->busy, "%s got a model that somebody has", machine.running->name);
    SIM_CHECK("CLEAN", !model->soiled, "%s got a model that was not reset", machine.running->name);
    model->busy = true;
    model->soiled = model->shop->pool->ops.reset != NULL;
}

void shop_model_left(void *object) {
    struct shop_model *model = object;
    SIM_CHECK("EXCL", model->busy, "a model was taken from under %s", machine.running->name);
    model->busy = false;
}

struct lend_lease shop_acquire(struct shop *shop, lend_deadline deadline) {
    machine.running->deadline_ns = deadline.at_ns;
    struct lend_lease lease = lend_acquire(shop->pool, deadline);
    int error = lend_lease_error(&lease);
    if (error == 0)
        shop_model_taken(lease.model);
    SIM_CHECK("TIME", error != ETIMEDOUT || machine.now_ns >= deadline.at_ns,
              "%s timed out before its time", machine.running->name);
    SIM_CHECK("TIME", error != EBUSY || deadline_is_now(deadline), "%s was put off",
              machine.running->name);
    shop->granted += error == 0;
    shop->timed_out += error == ETIMEDOUT;
    shop->refused += error != 0 && error != ETIMEDOUT;
    return lease;
}

void shop_release(struct shop *shop, struct lend_lease *lease) {
    (void)shop;
    if (lease->model != NULL)
        shop_model_left(lease->model);
    lend_release(lease);
}

void shop_release_broken(struct shop *shop, struct lend_lease *lease) {
    (void)shop;
    shop_model_left(lease->model);
    lend_release_broken(lease, "it smokes");
}

void shop_use(const struct lend_lease *lease) {
    const struct shop_model *model = lease->model;
    sim_point("uses a model", NULL);
    SIM_CHECK("EXCL", model->busy && model->loaded, "a model was taken from under %s",
              machine.running->name);
}

int shop_borrow(struct shop *shop, lend_deadline deadline) {
    struct lend_lease lease = shop_acquire(shop, deadline);
    int error = lend_lease_error(&lease);
    if (error == 0)
        shop_use(&lease);
    shop_release(shop, &lease);
    return error;
}

void shop_borrower(void *argument) {
    struct borrowing *borrowing = argument;
    struct lend_lease lease = shop_acquire(borrowing->shop, borrowing->deadline);
    borrowing->error = lend_lease_error(&lease);
    if (lend_lease_ok(&lease) && borrowing->hold_ms > 0)
        sim_pause_ms(borrowing->hold_ms);
    shop_release(borrowing->shop, &lease);
}
