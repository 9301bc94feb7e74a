/* SPDX-License-Identifier: MIT
 *
 * The heap against the plain way: whatever is inserted and removed, the top is the least. */
#include "base/heap.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#define NODES 64

static int64_t least_of(const struct heap_node *nodes) {
    int64_t least = INT64_MAX;
    for (int i = 0; i < NODES; i++)
        if (nodes[i].heap != NULL && nodes[i].key < least)
            least = nodes[i].key;
    return least;
}

static void the_top_is_the_least_after_any_inserts_and_removals(void **state) {
    (void)state;
    struct heap heap = {0};
    struct heap_node nodes[NODES] = {0};
    uint64_t random = 1;
    for (int step = 0; step < 200000; step++) {
        random = random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        struct heap_node *node = &nodes[(random >> 33) % NODES];
        if (node->heap == NULL)
            lend__heap_insert(&heap, node, (int64_t)(random >> 50) - 4000);
        else
            lend__heap_remove(&heap, node);
        assert_int_equal(heap.top != NULL ? heap.top->key : INT64_MAX, least_of(nodes));
    }
}

static void a_heap_yields_its_keys_in_order(void **state) {
    (void)state;
    struct heap heap = {0};
    struct heap_node nodes[NODES] = {0};
    for (int i = 0; i < NODES; i++)
        lend__heap_insert(&heap, &nodes[i], i * 37 % NODES);
    for (int64_t key = 0; key < NODES; key++) {
        assert_int_equal(heap.top->key, key);
        lend__heap_remove(&heap, heap.top);
    }
    assert_null(heap.top);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_top_is_the_least_after_any_inserts_and_removals),
        cmocka_unit_test(a_heap_yields_its_keys_in_order),
    };
    return cmocka_run_group_tests_name("heap", tests, NULL, NULL);
}
