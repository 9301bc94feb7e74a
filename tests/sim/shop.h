/* SPDX-License-Identifier: MIT
 *
 * A pool to explore, and its models, which watch how they are treated:
 *
 *     static struct shop shop;
 *     SHOP_OPEN(&shop, .models = 2);
 *     struct lend_lease lease = shop_acquire(&shop, lend_within_ms(10));
 *     if (lend_lease_ok(&lease))
 *         shop_use(&lease);
 *     shop_release(&shop, &lease);
 *     shop_close(&shop);               // everything is back
 *
 * Opening is calm, so that a scenario begins where it gets interesting; open it with
 * lend_pool_open where opening itself is explored. Alarms are off by default: their threads would
 * always have a time to wake up at, and no run would ever hang.
 *
 * Checked on the way: EXCL and LOAD (one thread with a model at a time, none before it is loaded or
 * after it is unloaded, operations included), CLEAN (a reset between two borrowers), BOUND (how
 * many models live), LOCK (callbacks come without any lock), TIME (no timeout before the deadline),
 * ONCE (what the statistics say is what happened). */
#ifndef LEND_TESTS_SIM_SHOP_H
#define LEND_TESTS_SIM_SHOP_H

#include <lend/lend.h>

enum { SHOP_MODELS = 32 };

/* How many kinds of events there are. */
#define SHOP_EVENT_(kind, words) +1
enum { SHOP_EVENTS = 0 LEND_EVENTS(SHOP_EVENT_) };

struct shop;

struct shop_model {
    struct shop *shop;
    uint32_t number; /* of its load, from 1 */
    bool loaded;
    bool busy;   /* with a borrower or an operation */
    bool soiled; /* used since the last reset */
    bool unfit;  /* the next check will find it so */
};

struct shop {
    lend_pool *pool;
    struct shop_model models[SHOP_MODELS];
    uint32_t loads, alive, resets, checks;
    uint32_t events[SHOP_EVENTS];
    uint64_t granted, timed_out, refused; /* acquires */
    bool shared;                          /* with an executor, whose acquires are not among these */

    /* What the operations do, set by the scenario at any time. */
    uint32_t loads_fail;  /* so many of the next loads */
    uint32_t resets_fail; /* likewise */
    bool loads_may_fail;  /* each may: the run chooses, as long as loads_fail is not 0 */
    int64_t load_ms, unload_ms, reset_ms;
};

#define SHOP_OPEN(shop, ...) shop_open((shop), &LEND_POOL_OPTIONS(__VA_ARGS__))

/* Without reset and check, for .ops: then a release takes its shortest way. */
extern const struct lend_model_ops shop_plain_operations;

void shop_open(struct shop *shop, const struct lend_pool_options *options);

/* The same, without calm and without the check that it succeeds. */
int shop_try_open(struct shop *shop, const struct lend_pool_options *options);

/* Wait until nothing happens any more, check that everything is back, close. */
void shop_close(struct shop *shop);

/* After a close by the scenario that has returned 0. */
void shop_closed(struct shop *shop);

struct lend_lease shop_acquire(struct shop *shop, lend_deadline deadline);
void shop_release(struct shop *shop, struct lend_lease *lease);
void shop_release_broken(struct shop *shop, struct lend_lease *lease);

/* A borrower without a lease in hand, in a job: at its beginning and its end. */
void shop_model_taken(void *model);
void shop_model_left(void *model);

/* Do something with it. */
void shop_use(const struct lend_lease *lease);

/* Acquire, use, release. Returns the error of the acquire. */
int shop_borrow(struct shop *shop, lend_deadline deadline);

/* For a thread that borrows once until a deadline; its argument is one of these. */
struct borrowing {
    struct shop *shop;
    lend_deadline deadline;
    int64_t hold_ms;
    int error; /* out */
};
void shop_borrower(void *borrowing);

/* Is it one of these? */
bool one_of(int error, int count, const int *list);
#define ONE_OF(error, ...)                                                                         \
    one_of((error), sizeof((int[]){__VA_ARGS__}) / sizeof(int), (int[]){__VA_ARGS__})

#endif
