/* SPDX-License-Identifier: MIT
 *
 * The wakes that are owed. */
#include "sync/waiter.h"

/* A waiter is gone as soon as it is woken, so it is unlinked first. */
void lend__waiters_wake(struct list *woken) {
    for (struct list_node *node; (node = list_pop(woken)) != NULL;) {
        struct waiter *waiter = list_entry(node, struct waiter, node);
        if (waiter->tell != NULL)
            waiter->tell(waiter, woken);
        else
            lend__parker_wake(waiter->parker);
    }
}
