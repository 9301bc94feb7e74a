/* SPDX-License-Identifier: MIT
 *
 * Waiting for what can only be looked at: a public statistic, a fake model's count.
 *
 *     assert_true(eventually(stats_of(pool).waiting == 3));
 *
 * The one place where a test polls. What a test can be told of, it waits for at a gate. */
#ifndef LEND_TESTS_SUPPORT_AWAIT_H
#define LEND_TESTS_SUPPORT_AWAIT_H

#include <lend/executor.h>
#include <lend/pool.h>

/* Look at `condition` every 100 us until it holds: true. False once PATIENCE_MS are over. */
#define eventually(condition)                                                                      \
    (__extension__({                                                                               \
        lend_deadline eventually_by_ = await_begin();                                              \
        bool eventually_holds_;                                                                    \
        do                                                                                         \
            eventually_holds_ = (condition);                                                       \
        while (!eventually_holds_ && await_pause(eventually_by_));                                 \
        eventually_holds_;                                                                         \
    }))

lend_deadline await_begin(void);

/* False if the deadline has passed. */
bool await_pause(lend_deadline deadline);

/* Until the coarse clock has moved, by which leases are stamped: those that follow are younger. */
void await_tick(void);

/* The statistics as a value. */
struct lend_pool_stats stats_of(lend_pool *pool);
struct lend_executor_stats executor_stats_of(lend_executor *executor);

#endif
