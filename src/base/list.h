/* SPDX-License-Identifier: MIT
 *
 * An intrusive list that knows its length: FIFO queues from which anything can be unlinked in O(1).
 * The node is a field of what is listed; list_entry finds the way back. */
#ifndef LEND_SRC_BASE_LIST_H
#define LEND_SRC_BASE_LIST_H

#include "base/assert.h"

#include <stddef.h>
#include <stdint.h>

struct list {
    struct list_node *first, *last;
    uint32_t length;
};

struct list_node {
    struct list_node *previous, *next;
    struct list *list; /* the one it is in, NULL if none */
};

#define list_entry(node, type, member) ((type *)(void *)((char *)(node)-offsetof(type, member)))

static inline void list_append(struct list *list, struct list_node *node) {
    LEND_ASSERT(node->list == NULL, "listed what is in a list already");
    *node = (struct list_node){.previous = list->last, .list = list};
    if (list->last != NULL)
        list->last->next = node;
    else
        list->first = node;
    list->last = node;
    list->length++;
}

static inline void list_remove(struct list *list, struct list_node *node) {
    LEND_ASSERT(node->list == list, "removed from a list what is not in it");
    *(node->previous != NULL ? &node->previous->next : &list->first) = node->next;
    *(node->next != NULL ? &node->next->previous : &list->last) = node->previous;
    *node = (struct list_node){0};
    list->length--;
}

/* The oldest, now unlinked, or NULL. */
static inline struct list_node *list_pop(struct list *list) {
    struct list_node *node = list->first;
    if (node != NULL)
        list_remove(list, node);
    return node;
}

#endif
