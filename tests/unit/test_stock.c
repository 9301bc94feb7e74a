/* SPDX-License-Identifier: MIT
 *
 * The stock keeps what it is given, up to its bound, and hands out each piece once. */
#include "exec/stock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

enum { PIECES = 4 * STOCK_MAX };

static struct inbox_node pieces[PIECES];
static struct stock stock;

/* So many are handed out, each of those that were put in, and once. */
static void assert_hands_out(uint32_t count) {
    bool *seen = calloc(PIECES, sizeof *seen);
    for (uint32_t i = 0; i < count; i++) {
        struct inbox_node *piece = stock_take(&stock);
        assert_non_null(piece);
        assert_false(seen[piece - pieces]);
        seen[piece - pieces] = true;
    }
    assert_null(stock_take(&stock));
    free(seen);
}

static void what_workers_put_by_is_handed_out_once(void **state) {
    (void)state;
    stock = (struct stock){0};
    assert_null(stock_take(&stock));
    assert_true(stock_put(&stock, &pieces[0])); /* the offer; these come with the next one: */
    assert_true(stock_put(&stock, &pieces[1]));
    assert_true(stock_put(&stock, &pieces[2]));
    assert_hands_out(1);
    assert_true(stock_put(&stock, &pieces[3]));
    assert_hands_out(3);
}

static void workers_put_by_no_more_than_the_bound_next_to_an_offer(void **state) {
    (void)state;
    uint32_t kept = 0;
    stock = (struct stock){0};
    while (kept < PIECES && stock_put(&stock, &pieces[kept]))
        kept++;
    assert_int_equal(kept, 1 + STOCK_MAX);
    assert_hands_out(1);
    assert_true(stock_put(&stock, &pieces[kept])); /* the offer again, all in one */
    assert_hands_out(STOCK_MAX + 1);
}

static void owners_give_back_no_more_than_the_bound(void **state) {
    (void)state;
    uint32_t kept = 0;
    stock = (struct stock){0};
    while (kept < PIECES && stock_give_back(&stock, &pieces[kept]))
        kept++;
    assert_int_equal(kept, STOCK_MAX);
    assert_non_null(stock_take(&stock));
    assert_true(stock_give_back(&stock, &pieces[kept]));
    assert_false(stock_give_back(&stock, &pieces[kept + 1]));
    assert_hands_out(STOCK_MAX);
}

/* Whoever has it is in the middle of something. */
static void who_finds_the_stock_taken_does_without(void **state) {
    (void)state;
    stock = (struct stock){0};
    assert_true(stock_give_back(&stock, &pieces[0]));
    word_poke(&stock.taken, 1);
    assert_null(stock_take(&stock));
    assert_false(stock_give_back(&stock, &pieces[1]));
    word_poke(&stock.taken, 0);
    assert_hands_out(1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_workers_put_by_is_handed_out_once),
        cmocka_unit_test(workers_put_by_no_more_than_the_bound_next_to_an_offer),
        cmocka_unit_test(owners_give_back_no_more_than_the_bound),
        cmocka_unit_test(who_finds_the_stock_taken_does_without),
    };
    return cmocka_run_group_tests_name("stock", tests, NULL, NULL);
}
