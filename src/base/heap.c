/* SPDX-License-Identifier: MIT
 *
 * The pairing heap. */
#include "base/heap.h"

#include "base/assert.h"

#include <stddef.h>

/* Two trees, either may be NULL, become one: the greater root is the first child of the lesser. */
static struct heap_node *meld(struct heap_node *one, struct heap_node *other) {
    if (one == NULL || other == NULL)
        return one != NULL ? one : other;
    if (other->key < one->key) {
        struct heap_node *greater = one;
        one = other;
        other = greater;
    }
    other->previous = one;
    other->next = one->child;
    if (one->child != NULL)
        one->child->previous = other;
    one->child = other;
    one->next = one->previous = NULL;
    return one;
}

/* The children of a node that goes away become one tree: melded in pairs from the first to the
 * last, then the pairs from the last to the first. */
static struct heap_node *meld_children(struct heap_node *first) {
    struct heap_node *pairs = NULL; /* the last pair first, through `next` */
    while (first != NULL) {
        struct heap_node *second = first->next;
        struct heap_node *rest = second != NULL ? second->next : NULL;
        struct heap_node *pair = meld(first, second);
        pair->next = pairs;
        pairs = pair;
        first = rest;
    }
    struct heap_node *root = NULL;
    while (pairs != NULL) {
        struct heap_node *rest = pairs->next;
        root = meld(root, pairs);
        pairs = rest;
    }
    if (root != NULL)
        root->next = root->previous = NULL;
    return root;
}

void lend__heap_insert(struct heap *heap, struct heap_node *node, int64_t key) {
    LEND_ASSERT(node->heap == NULL, "put into a heap what is in one already");
    *node = (struct heap_node){.key = key, .heap = heap};
    heap->top = meld(heap->top, node);
}

/* Cut the node and all below it off its siblings and its parent. */
static void cut(struct heap_node *node) {
    if (node->previous->child == node)
        node->previous->child = node->next;
    else
        node->previous->next = node->next;
    if (node->next != NULL)
        node->next->previous = node->previous;
}

void lend__heap_remove(struct heap *heap, struct heap_node *node) {
    LEND_ASSERT(node->heap == heap, "taken out of a heap that it is not in");
    struct heap_node *below = meld_children(node->child);
    if (node == heap->top) {
        heap->top = below;
    } else {
        cut(node);
        heap->top = meld(heap->top, below);
    }
    *node = (struct heap_node){0};
}
