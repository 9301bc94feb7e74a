/* SPDX-License-Identifier: MIT
 *
 * An intrusive heap: whatever has the least key is at the top, and anything can be taken out. The
 * node is a field of what is in it, so nothing is allocated and nothing can fail.
 *
 * A pairing heap (Fredman, Sedgewick, Sleator, Tarjan: The pairing heap, Algorithmica 1, 1986):
 * insert O(1), remove O(log n) amortised. */
#ifndef LEND_SRC_BASE_HEAP_H
#define LEND_SRC_BASE_HEAP_H

#include <stdint.h>

struct heap {
    struct heap_node *top; /* NULL if empty */
};

/* A tree whose children are linked from first to last; none has a lesser key than its parent. */
struct heap_node {
    int64_t key;       /* constant while it is in a heap */
    struct heap *heap; /* the one it is in, NULL if none */
    struct heap_node *child, *next;
    struct heap_node
        *previous; /* the sibling before, of a first child its parent, of the top NULL */
};

void lend__heap_insert(struct heap *heap, struct heap_node *node, int64_t key);
void lend__heap_remove(struct heap *heap, struct heap_node *node);

#endif
