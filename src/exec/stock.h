/* SPDX-License-Identifier: MIT
 *
 * The stock: the memory of a few tasks that are over, for those to come. A job's memory is asked
 * for on one thread and freed on another, which is what general allocators are slowest at.
 *
 * Workers put tasks by under executor->lock, and offer them all together once nobody has an offer
 * open; a submitter takes the whole offer and lives on it. Who drops the future of a job that is
 * over gives its task back to that part. Submitters and owners who come at once do not wait for
 * each other: one has the stock, the others do with the allocator. */
#ifndef LEND_SRC_EXEC_STOCK_H
#define LEND_SRC_EXEC_STOCK_H

#include "exec/inbox.h"

/* How many are put by, and how many given back, before the rest is freed; no more than four times
 * as many are there at a time. */
#define STOCK_MAX 1024

struct stock {
    struct word taken; /* 1 while a submitter or an owner has these two: */
    struct inbox_node *chain;
    uint32_t given_back; /* at most so many of the chain came from owners */

    /* A chain, or 0: set under executor->lock, taken by a submitter. Workers look at it for each
     * job, so it is on a line that does not change as often. */
    _Alignas(CACHE_LINE) struct word offer;

    _Alignas(CACHE_LINE) struct inbox_node *put_by; /* under executor->lock; and their number: */
    uint32_t count;
};

/* One, as it was left, or NULL. */
static inline struct inbox_node *stock_take(struct stock *stock) {
    uint64_t seen = 0;
    if (word_peek(&stock->taken) != 0 || !word_swap(&stock->taken, &seen, 1))
        return NULL;
    if (stock->chain == NULL) {
        uint64_t offer = word_read(&stock->offer);
        stock->chain = (struct inbox_node *)(uintptr_t)offer;
        if (offer != 0)
            word_publish(&stock->offer, 0);
    }
    struct inbox_node *node = stock->chain;
    if (node != NULL) {
        stock->chain = node->older;
        __builtin_prefetch(stock->chain, /* to be written= */ 1);
    }
    stock->given_back -= stock->given_back > 0;
    word_publish(&stock->taken, 0);
    return node;
}

/* Without the lock. False if there are enough, or somebody else has it. */
static inline bool stock_give_back(struct stock *stock, struct inbox_node *node) {
    uint64_t seen = 0;
    if (word_peek(&stock->taken) != 0 || !word_swap(&stock->taken, &seen, 1))
        return false;
    bool wanted = stock->given_back < STOCK_MAX;
    if (wanted) {
        node->older = stock->chain;
        stock->chain = node;
        stock->given_back++;
    }
    word_publish(&stock->taken, 0);
    return wanted;
}

/* Under the lock. False if there are enough. */
static inline bool stock_put(struct stock *stock, struct inbox_node *node) {
    if (stock->count >= STOCK_MAX && word_read(&stock->offer) != 0)
        return false;
    node->older = stock->put_by;
    stock->put_by = node;
    stock->count++;
    if (word_read(&stock->offer) == 0) {
        word_publish(&stock->offer, (uint64_t)(uintptr_t)stock->put_by);
        stock->put_by = NULL;
        stock->count = 0;
    }
    return true;
}

#endif
