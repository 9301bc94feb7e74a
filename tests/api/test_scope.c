/* SPDX-License-Identifier: MIT
 *
 * Scopes: on every way out of a block, a function or a call, the model goes back. Nothing is
 * asserted between a guard's ends: a failing assertion would jump over them. */
#include "support/await.h"
#include "support/fake_model.h"

#include <lend/scope.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static struct fakes fakes;
static lend_pool *pool;

static int open_pool(void **state) {
    (void)state;
    fakes = (struct fakes){0};
    pool = fakes_pool(&fakes, .models = 1);
    return 0;
}

/* Every test ends with all models back. */
static int close_pool(void **state) {
    (void)state;
    assert_int_equal(stats_of(pool).free, 1);
    fakes_close(&fakes, pool);
    return 0;
}

/* In the middle of a block: the model is there, and nobody else can have it. */
static bool is_mine(const struct lend_lease *lease) {
    fake_use(lease->model);
    struct lend_lease other = lend_acquire(pool, LEND_NOW);
    bool mine = lend_lease_ok(lease) && lend_lease_error(&other) == EBUSY;
    lend_release(&other);
    return mine;
}

static void check_given_back(uint64_t grants) {
    struct lend_pool_stats stats = stats_of(pool);
    assert_int_equal(stats.free, 1);
    assert_int_equal(stats.grants, grants);
}

static void the_model_is_lent_inside_the_block_and_back_after_it(void **state) {
    (void)state;
    bool mine = false, failed = false;
    lend_with (page, pool, LEND_NOW) {
        mine = is_mine(&page);
    } lend_else {
        failed = true;
    } lend_end
    assert_true(mine);
    assert_false(failed);
    check_given_back(1);
}

static void without_a_model_the_other_branch_says_why(void **state) {
    (void)state;
    struct lend_lease lease = lend_acquire(pool, LEND_NOW);
    bool served = false, has_report = false;
    int error = 0;
    lend_with (page, pool, LEND_NOW) {
        served = true;
    } lend_else {
        error = lend_lease_error(&page);
        has_report = lend_lease_report(&page) != NULL;
    } lend_end
    lend_release(&lease);
    assert_false(served);
    assert_int_equal(error, EBUSY);
    assert_true(has_report);
}

static void break_leaves_the_loop_around_it(void **state) {
    (void)state;
    int rounds = 0;
    for (;;) {
        rounds++;
        lend_with (page, pool, LEND_NOW) {
            if (is_mine(&page))
                break;
        } lend_else {
            break;
        } lend_end
        rounds += 100;
    }
    assert_int_equal(rounds, 1);
    check_given_back(1);
}

static void continue_goes_on_with_the_loop_around_it(void **state) {
    (void)state;
    int served = 0, after = 0;
    for (int i = 0; i < 3; i++) {
        lend_with (page, pool, LEND_NOW) {
            served += is_mine(&page);
            continue;
        } lend_else {
            continue;
        } lend_end
        after++;
    }
    assert_int_equal(served, 3);
    assert_int_equal(after, 0);
    check_given_back(3);
}

static void break_in_a_switch_leaves_the_switch(void **state) {
    (void)state;
    bool mine = false;
    switch (stats_of(pool).models) {
    case 1:
        lend_with (page, pool, LEND_NOW) {
            mine = is_mine(&page);
            break;
        } lend_else {
            break;
        } lend_end
        mine = false;
        break;
    default:
        break;
    }
    assert_true(mine);
    check_given_back(1);
}

static void goto_out_of_the_block_gives_back(void **state) {
    (void)state;
    bool mine = false;
    lend_with (page, pool, LEND_NOW) {
        mine = is_mine(&page);
        goto out;
    } lend_else {
        goto out;
    } lend_end
    mine = false;
out:
    assert_true(mine);
    check_given_back(1);
}

static void goto_back_gives_back_each_time(void **state) {
    (void)state;
    int rounds = 0;
again:
    rounds++;
    lend_with (page, pool, LEND_NOW) {
        if (is_mine(&page) && rounds < 4)
            goto again;
    } lend_else {
        rounds = 0;
    } lend_end
    assert_int_equal(rounds, 4);
    check_given_back(4);
}

static int return_from_block(void) {
    lend_with (page, pool, LEND_NOW) {
        return is_mine(&page) ? 17 : 0;
    } lend_else {
        return lend_lease_error(&page);
    } lend_end
}

static void return_out_of_either_branch_gives_back(void **state) {
    (void)state;
    assert_int_equal(return_from_block(), 17);
    check_given_back(1);
    struct lend_lease lease = lend_acquire(pool, LEND_NOW);
    int error = return_from_block();
    lend_release(&lease);
    assert_int_equal(error, EBUSY);
}

static void a_block_is_one_statement(void **state) {
    (void)state;
    bool mine = false, other = false;
    if (pool != NULL)
        lend_with (page, pool, LEND_NOW) {
            mine = is_mine(&page);
        } lend_else {
            mine = false;
        } lend_end
    else
        other = true;
    assert_true(mine);
    assert_false(other);
}

static void blocks_nest(void **state) {
    (void)state;
    struct fakes others = {0};
    lend_pool *other = fakes_pool(&others, .models = 1);
    bool both = false;
    int refused = 0;
    lend_with (page, pool, LEND_NOW) {
        lend_with (figure, other, LEND_NOW) {
            both = is_mine(&page) && lend_lease_ok(&figure);
        } lend_else {
            both = false;
        } lend_end
        lend_with (second, pool, LEND_NOW) {
            refused = 0;
        } lend_else {
            refused = lend_lease_error(&second);
        } lend_end
    } lend_else {
        both = false;
    } lend_end
    assert_true(both);
    assert_int_equal(refused, EBUSY);
    fakes_close(&others, other);
}

static void a_block_can_stand_in_the_other_branch(void **state) {
    (void)state;
    struct fakes others = {0};
    lend_pool *spare = fakes_pool(&others, .models = 1);
    struct lend_lease lease = lend_acquire(pool, LEND_NOW);
    bool spared = false;
    lend_with (page, pool, LEND_NOW) {
        spared = false;
    } lend_else {
        lend_with (page_of_spare, spare, LEND_NOW) {
            spared = lend_lease_ok(&page_of_spare);
        } lend_else {
            spared = false;
        } lend_end
    } lend_end
    lend_release(&lease);
    assert_true(spared);
    fakes_close(&others, spare);
}

static void the_model_may_be_given_back_before_the_end(void **state) {
    (void)state;
    uint32_t free_inside = 0;
    lend_with (page, pool, LEND_NOW) {
        fake_use(page.model);
        lend_release(&page);
        free_inside = stats_of(pool).free;
    } lend_else {
        free_inside = 0;
    } lend_end
    assert_int_equal(free_inside, 1);
    assert_int_equal(stats_of(pool).bad_releases, 0);
}

static void a_lease_can_be_moved_out_of_the_block(void **state) {
    (void)state;
    struct lend_lease kept = {0};
    lend_with (page, pool, LEND_NOW) {
        kept = lend_lease_take(&page);
    } lend_else {
        kept = (struct lend_lease){0};
    } lend_end
    uint32_t lent = stats_of(pool).lent;
    lend_release(&kept);
    assert_int_equal(lent, 1);
}

static bool use_scoped(bool leave_early) {
    lend_scoped_lease page = lend_acquire(pool, LEND_NOW);
    if (leave_early)
        return is_mine(&page);
    for (;;) {
        lend_scoped_lease inner = lend_acquire(pool, LEND_NOW);
        if (lend_lease_error(&inner) == EBUSY)
            break;
    }
    return is_mine(&page);
}

static void a_scoped_lease_ends_with_its_variable(void **state) {
    (void)state;
    assert_true(use_scoped(true));
    check_given_back(1);
    assert_true(use_scoped(false));
    check_given_back(2);
}

static int note_model(void *model, void *argument) {
    fake_use(model);
    *(void **)argument = model;
    return 4711;
}

static void run_hands_over_the_model_and_returns_the_result(void **state) {
    (void)state;
    void *model = NULL;
    assert_int_equal(lend_run(pool, LEND_NOW, note_model, &model), 4711);
    assert_non_null(model);
    check_given_back(1);
    assert_int_equal((lend_run)(pool, LEND_NOW, note_model, &model), 4711);
    check_given_back(2);
}

static void run_returns_the_error_if_there_is_no_model(void **state) {
    (void)state;
    void *model = NULL;
    struct lend_lease lease = lend_acquire(pool, LEND_NOW);
    assert_int_equal(lend_lease_detach(&lease), 0);
    int now = lend_run(pool, LEND_NOW, note_model, &model);
    int late = lend_run(pool, lend_within_ms(1), note_model, &model);
    lend_release(&lease);
    assert_int_equal(now, EBUSY);
    assert_int_equal(late, ETIMEDOUT);
    assert_int_equal(lend_run(NULL, LEND_NOW, note_model, &model), EINVAL);
    assert_null(model);
}

static void run_wants_a_function(void **state) {
    (void)state;
    assert_int_equal(lend_run(pool, LEND_NOW, NULL, NULL), EINVAL);
    check_given_back(0);
}

static int name_holder(void *model, void *argument) {
    (void)model;
    struct lend_lease other = lend_acquire(pool, LEND_NOW);
    const struct lend_report *report = lend_lease_report(&other);
    *(struct lend_holder *)argument =
        report->holder_count == 1 ? report->holders[0] : (struct lend_holder){0};
    lend_release(&other);
    return 0;
}

static void run_notes_where_it_was_called(void **state) {
    (void)state;
    struct lend_holder holder = {0};
    assert_int_equal(lend_run(pool, LEND_NOW, name_holder, &holder), 0);
    assert_non_null(holder.site);
    assert_string_equal(holder.site->function, "run_notes_where_it_was_called");
    assert_int_equal((lend_run)(pool, LEND_NOW, name_holder, &holder), 0);
    assert_int_not_equal(holder.tid, 0);
    assert_null(holder.site);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_pool, close_pool)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(the_model_is_lent_inside_the_block_and_back_after_it),
        TEST(without_a_model_the_other_branch_says_why),
        TEST(break_leaves_the_loop_around_it),
        TEST(continue_goes_on_with_the_loop_around_it),
        TEST(break_in_a_switch_leaves_the_switch),
        TEST(goto_out_of_the_block_gives_back),
        TEST(goto_back_gives_back_each_time),
        TEST(return_out_of_either_branch_gives_back),
        TEST(a_block_is_one_statement),
        TEST(blocks_nest),
        TEST(a_block_can_stand_in_the_other_branch),
        TEST(the_model_may_be_given_back_before_the_end),
        TEST(a_lease_can_be_moved_out_of_the_block),
        TEST(a_scoped_lease_ends_with_its_variable),
        TEST(run_hands_over_the_model_and_returns_the_result),
        TEST(run_returns_the_error_if_there_is_no_model),
        TEST(run_wants_a_function),
        TEST(run_notes_where_it_was_called),
    };
    return cmocka_run_group_tests_name("scope", tests, NULL, NULL);
}
