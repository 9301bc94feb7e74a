/* SPDX-License-Identifier: MIT
 *
 * lend-pairs N SLOWER: borrow and give back N times with nobody else there. For counting
 * instructions (tests/checks/check_pair_instructions.sh): what two counts differ by is the pairs.
 *
 * A pool that is lent millions of times a second has its keeper read the clock. Where instructions
 * are counted they take so long that no pool is; so the coarse clock runs SLOWER times as slow, and
 * the pool finds itself in demand. With 1 it runs as it does. */
#include "empty_model.h"

#include <lend/lend.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static time_t began_s;
static long slower = 1;

/* In place of the C library's, for lend too. */
int clock_gettime(clockid_t clock, struct timespec *ret_now) {
    int result = (int)syscall(SYS_clock_gettime, clock, ret_now);
    if (clock != CLOCK_MONOTONIC_COARSE || slower == 1 || result != 0)
        return result;
    long us = (long)(ret_now->tv_sec - began_s) * 1000000 + ret_now->tv_nsec / 1000;
    ret_now->tv_sec = began_s + us / slower / 1000000;
    ret_now->tv_nsec = us / slower % 1000000 * 1000;
    return 0;
}

static int borrow(lend_pool *pool, long pairs) {
    for (long i = 0; i < pairs; i++) {
        struct lend_lease lease = lend_acquire(pool, LEND_NOW);
        if (!lend_lease_ok(&lease))
            return 1;
        lend_release(&lease);
    }
    return 0;
}

int main(int argc, char **argv) {
    long pairs = argc == 3 ? strtol(argv[1], NULL, 10) : 0;
    slower = argc == 3 ? strtol(argv[2], NULL, 10) : 0;
    if (pairs < 1 || slower < 1) {
        fprintf(stderr, "usage: lend-pairs N SLOWER\n");
        return 2;
    }
    struct timespec now;
    lend_pool *pool;
    if (clock_gettime(CLOCK_MONOTONIC, &now) != 0)
        return 1;
    began_s = now.tv_sec;
    if (lend_pool_open(&pool, &LEND_POOL_OPTIONS(.ops = &empty_model_ops, .models = 4)) != 0)
        return 1;
    int status = borrow(pool, pairs);
    return lend_pool_close(pool, LEND_FOREVER, NULL) == 0 ? status : 1;
}
