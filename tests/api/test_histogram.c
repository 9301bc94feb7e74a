/* SPDX-License-Identifier: MIT
 *
 * Histograms count, and their quantiles are the upper ends of buckets. */
#include <lend/histogram.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define LAST (LEND_HISTOGRAM_BUCKETS - 1)

static void an_empty_one_counts_nothing_and_has_no_quantile(void **state) {
    (void)state;
    const struct lend_histogram empty = {0};
    assert_int_equal(lend_histogram_count(&empty), 0);
    assert_int_equal(lend_histogram_quantile_us(&empty, 0.5), 0);
    assert_int_equal(lend_histogram_quantile_us(&empty, 1), 0);
}

static void null_counts_nothing(void **state) {
    (void)state;
    assert_int_equal(lend_histogram_count(NULL), 0);
    assert_int_equal(lend_histogram_quantile_us(NULL, 0.5), 0);
}

static void the_count_is_the_sum_of_the_buckets(void **state) {
    (void)state;
    struct lend_histogram histogram = {.counts = {[0] = 3, [7] = 40, [LAST] = 500}};
    assert_int_equal(lend_histogram_count(&histogram), 543);
    histogram.counts[1] = UINT64_C(1) << 40;
    assert_true(lend_histogram_count(&histogram) == (UINT64_C(1) << 40) + 543);
}

static void each_bucket_ends_at_a_power_of_two(void **state) {
    (void)state;
    for (unsigned i = 0; i < LEND_HISTOGRAM_BUCKETS; i++) {
        struct lend_histogram one = {0};
        one.counts[i] = 1;
        assert_true(lend_histogram_quantile_us(&one, 0.5) == UINT64_C(1) << i);
    }
}

static void a_quantile_is_the_end_of_the_bucket_that_reaches_the_share(void **state) {
    (void)state;
    const struct lend_histogram histogram = {.counts = {[3] = 50, [10] = 49, [20] = 1}};
    assert_int_equal(lend_histogram_quantile_us(&histogram, 0.01), 8);
    assert_int_equal(lend_histogram_quantile_us(&histogram, 0.5), 8);
    assert_int_equal(lend_histogram_quantile_us(&histogram, 0.51), 1024);
    assert_int_equal(lend_histogram_quantile_us(&histogram, 0.99), 1024);
    assert_int_equal(lend_histogram_quantile_us(&histogram, 0.999), 1 << 20);
}

static void the_ends_of_the_range_are_the_least_and_the_most(void **state) {
    (void)state;
    const struct lend_histogram histogram = {.counts = {[3] = 1, [20] = 1}};
    assert_int_equal(lend_histogram_quantile_us(&histogram, 0), 8);
    assert_int_equal(lend_histogram_quantile_us(&histogram, 1), 1 << 20);
}

static void a_quantile_outside_the_range_is_the_nearest_inside(void **state) {
    (void)state;
    const struct lend_histogram histogram = {.counts = {[3] = 1, [20] = 1}};
    assert_int_equal(lend_histogram_quantile_us(&histogram, -3), 8);
    assert_int_equal(lend_histogram_quantile_us(&histogram, 42), 1 << 20);
    assert_int_equal(lend_histogram_quantile_us(&histogram, -INFINITY), 8);
    assert_int_equal(lend_histogram_quantile_us(&histogram, INFINITY), 1 << 20);
}

static void a_quantile_that_is_not_a_number_is_none(void **state) {
    (void)state;
    const struct lend_histogram histogram = {.counts = {[3] = 1}};
    assert_int_equal(lend_histogram_quantile_us(&histogram, (double)NAN), 0);
}

static void huge_counts_have_quantiles_too(void **state) {
    (void)state;
    const struct lend_histogram histogram = {
        .counts = {[2] = UINT64_C(1) << 62, [9] = UINT64_C(1) << 62}};
    assert_int_equal(lend_histogram_quantile_us(&histogram, 0.25), 4);
    assert_int_equal(lend_histogram_quantile_us(&histogram, 0.75), 512);
    assert_int_equal(lend_histogram_quantile_us(&histogram, 1), 512);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_one_counts_nothing_and_has_no_quantile),
        cmocka_unit_test(null_counts_nothing),
        cmocka_unit_test(the_count_is_the_sum_of_the_buckets),
        cmocka_unit_test(each_bucket_ends_at_a_power_of_two),
        cmocka_unit_test(a_quantile_is_the_end_of_the_bucket_that_reaches_the_share),
        cmocka_unit_test(the_ends_of_the_range_are_the_least_and_the_most),
        cmocka_unit_test(a_quantile_outside_the_range_is_the_nearest_inside),
        cmocka_unit_test(a_quantile_that_is_not_a_number_is_none),
        cmocka_unit_test(huge_counts_have_quantiles_too),
    };
    return cmocka_run_group_tests_name("histogram", tests, NULL, NULL);
}
