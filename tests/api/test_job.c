/* SPDX-License-Identifier: MIT
 *
 * What a running job may ask and say, and who it is in the pool's books. */
#include "support/shelf.h"
#include "support/workshop.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void nothing_is_asked_of_no_job(void **state) {
    (void)state;
    assert_false(lend_job_must_stop(NULL));
    assert_int_equal(lend_job_deadline(NULL).at_ns, LEND_NOW.at_ns);
    assert_int_equal(lend_job_number(NULL), 0);
    assert_int_equal(lend_job_explain(NULL, EIO, "%s", "words"), EIO);
    lend_job_model_broken(NULL, "why");
    lend_job_return(NULL, NULL, NULL);
}

static void count_destroyed(void *value) {
    tally_add(value);
}

static void a_value_returned_to_no_job_is_destroyed_at_once(void **state) {
    (void)state;
    struct tally value;
    tally_init(&value);
    lend_job_return(NULL, &value, count_destroyed);
    assert_int_equal(tally_count(&value), 1);
    tally_deinit(&value);
}

static int return_both(void *model, void *argument, lend_job *job) {
    (void)model;
    struct tally *values = argument;
    lend_job_return(job, &values[0], count_destroyed);
    lend_job_return(job, &values[1], count_destroyed);
    return tally_count(&values[0]) == 1 ? 0 : EINVAL;
}

static void the_last_value_counts_and_the_one_before_is_destroyed(void **state) {
    (void)state;
    struct workshop shop;
    struct tally values[2];
    tally_init(&values[0]);
    tally_init(&values[1]);
    workshop_open(&shop, 1, NULL);
    lend_future *future = workshop_run(&shop, return_both, values);
    assert_int_equal(lend_future_error(future), 0);
    assert_ptr_equal(lend_future_take(future), &values[1]);
    assert_int_equal(tally_count(&values[1]), 0);
    lend_future_drop(future);
    workshop_close(&shop);
    tally_deinit(&values[0]);
    tally_deinit(&values[1]);
}

static int return_and_fail(void *model, void *argument, lend_job *job) {
    (void)model;
    lend_job_return(job, argument, count_destroyed);
    return lend_job_explain(job, EIO, "page %d of %s is blank", 3, "scan.tif");
}

static void a_failed_job_keeps_its_words_and_its_value(void **state) {
    (void)state;
    struct workshop shop;
    struct tally value;
    tally_init(&value);
    workshop_open(&shop, 1, NULL);
    lend_future *future = workshop_run(&shop, return_and_fail, &value);
    assert_int_equal(lend_future_outcome(future), LEND_FAILED);
    assert_int_equal(lend_future_error(future), EIO);
    assert_string_equal(lend_future_reason(future), "page 3 of scan.tif is blank");
    assert_ptr_equal(lend_future_peek(future), &value);
    lend_future_drop(future);
    assert_int_equal(tally_count(&value), 1);
    workshop_close(&shop);
    tally_deinit(&value);
}

/* Neither is anybody's to free: nothing is called for them, whoever has them last. */
static int return_what_is_not_to_be_freed(void *model, void *argument, lend_job *job) {
    (void)model;
    static const char first[] = "on no heap";
    lend_job_return(job, (void *)(uintptr_t)first, NULL);
    lend_job_return(job, argument, NULL);
    lend_job_return(NULL, argument, NULL);
    return 0;
}

static void a_value_without_a_destroy_is_left_alone(void **state) {
    (void)state;
    struct workshop shop;
    char value[] = "on the stack";
    workshop_open(&shop, 1, NULL);
    lend_future *future = workshop_run(&shop, return_what_is_not_to_be_freed, value);
    assert_ptr_equal(lend_future_peek(future), value);
    lend_future_drop(future);
    assert_string_equal(value, "on the stack");
    workshop_close(&shop);
}

static int explain_twice(void *model, void *argument, lend_job *job) {
    (void)model, (void)argument;
    lend_job_explain(job, EAGAIN, "page 1 is blank, trying another size");
    return lend_job_explain(job, EIO, "page 1 is blank");
}

static void the_last_words_count(void **state) {
    (void)state;
    struct workshop shop;
    workshop_open(&shop, 1, NULL);
    lend_future *future = workshop_run(&shop, explain_twice, NULL);
    assert_string_equal(lend_future_reason(future), "page 1 is blank");
    lend_future_drop(future);
    workshop_close(&shop);
}

static int explain_with_a_number(void *model, void *argument, lend_job *job) {
    (void)model;
    return lend_job_explain(job, EIO, "confidence %.2f of %d", *(const double *)argument, 1);
}

static void words_may_have_numbers_of_any_kind(void **state) {
    (void)state;
    struct workshop shop;
    double confidence = 0.25;
    workshop_open(&shop, 1, NULL);
    lend_future *future = workshop_run(&shop, explain_with_a_number, &confidence);
    assert_string_equal(lend_future_reason(future), "confidence 0.25 of 1");
    lend_future_drop(future);
    workshop_close(&shop);
}

static int explain_at_length(void *model, void *argument, lend_job *job) {
    (void)model;
    return lend_job_explain(job, EIO, "%s", (const char *)argument);
}

static void words_that_do_not_fit_end_with_dots(void **state) {
    (void)state;
    struct workshop shop;
    char words[2000];
    memset(words, 'a', sizeof words - 1);
    words[sizeof words - 1] = '\0';
    workshop_open(&shop, 1, NULL);
    lend_future *future = workshop_run(&shop, explain_at_length, words);
    const char *reason = lend_future_reason(future);
    size_t length = strlen(reason);
    assert_true(length > 200 && length < sizeof words - 1);
    assert_string_equal(reason + length - 4, "a...");
    lend_future_drop(future);
    workshop_close(&shop);
}

static int say_broken(void *model, void *argument, lend_job *job) {
    *(unsigned *)argument = *(const unsigned *)model;
    lend_job_model_broken(job, "it smokes");
    return 0;
}

static int note_model(void *model, void *argument, lend_job *job) {
    (void)job;
    *(unsigned *)argument = *(const unsigned *)model;
    return 0;
}

static void a_model_that_its_job_found_broken_is_replaced(void **state) {
    (void)state;
    struct workshop shop;
    unsigned broken, next;
    workshop_open(&shop, 1, NULL);
    lend_future_drop(workshop_run(&shop, say_broken, &broken));
    lend_future_drop(workshop_run(&shop, note_model, &next));
    assert_int_not_equal(next, broken);
    assert_int_equal(stats_of(shop.pool).broken, 1);
    struct recorded_event event = events_first_of(&shop.events, LEND_EVENT_MODEL_BROKEN);
    assert_string_equal(event.text, "it smokes");
    workshop_close(&shop);
}

static int note_deadline(void *model, void *argument, lend_job *job) {
    (void)model;
    *(lend_deadline *)argument = lend_job_deadline(job);
    return 0;
}

static void a_job_knows_its_deadline(void **state) {
    (void)state;
    struct workshop shop;
    lend_deadline given = lend_within_ms(60000), found = LEND_NOW;
    workshop_open(&shop, 1, &LEND_EXECUTOR_OPTIONS(.job_ms_default = 70000));
    lend_future *future;
    assert_int_equal(
        lend_submit(shop.executor,
                    &LEND_JOB(.run = note_deadline, .argument = &found, .deadline = given),
                    &future),
        0);
    assert_int_equal(lend_future_join(future, LEND_FOREVER), 0);
    lend_future_drop(future);
    assert_int_equal(found.at_ns, given.at_ns);
    assert_int_equal(
        lend_submit(shop.executor, &LEND_JOB(.run = note_deadline, .argument = &found), &future),
        0);
    assert_int_equal(lend_future_join(future, LEND_FOREVER), 0);
    lend_future_drop(future);
    assert_in_range(lend_deadline_left_ms(found), 60001, 70000);
    workshop_close(&shop);
}

static void
a_job_holds_its_model_under_its_own_number_and_the_site_of_its_submission(void **state) {
    (void)state;
    struct workshop shop;
    struct held_job held;
    held_job_init(&held);
    workshop_open(&shop, 1, NULL);
    lend_future *future = held_job_submit(&shop, &held, LEND_FOREVER);
    assert_true(tally_wait(&held.started, 1));
    struct lend_lease refused = lend_acquire(shop.pool, LEND_NOW);
    const struct lend_report *report = lend_lease_report(&refused);
    assert_non_null(report);
    assert_int_equal(report->holder_count, 1);
    assert_int_equal(report->holders[0].kind, LEND_OWNER_JOB);
    assert_int_equal(report->holders[0].id, held.number);
    assert_non_null(strstr(report->holders[0].site->file, "workshop.c"));
    lend_release(&refused);
    tally_add(&held.go);
    assert_int_equal(lend_future_join(future, LEND_FOREVER), 0);
    lend_future_drop(future);
    workshop_close(&shop);
    held_job_deinit(&held);
}

static int borrow_another(void *model, void *argument, lend_job *job) {
    struct workshop *shop = argument;
    struct lend_lease second = lend_acquire(shop->pool, lend_job_deadline(job));
    bool other = lend_lease_ok(&second) && second.model != model;
    lend_release(&second);
    return other ? 0 : EINVAL;
}

static void a_job_may_borrow_on_its_own_account(void **state) {
    (void)state;
    struct workshop shop;
    workshop_open(&shop, 2, NULL);
    lend_future *future = workshop_run(&shop, borrow_another, &shop);
    assert_int_equal(lend_future_error(future), 0);
    lend_future_drop(future);
    assert_int_equal(stats_of(shop.pool).free, 2);
    assert_int_equal(events_count(&shop.events), 0);
    workshop_close(&shop);
}

static int note_number(void *model, void *argument, lend_job *job) {
    (void)model;
    *(uint64_t *)argument = lend_job_number(job);
    return 0;
}

static void job_numbers_are_unique_in_the_process(void **state) {
    (void)state;
    struct workshop one, other;
    uint64_t numbers[3];
    workshop_open(&one, 1, NULL);
    workshop_open(&other, 1, NULL);
    lend_future_drop(workshop_run(&one, note_number, &numbers[0]));
    lend_future_drop(workshop_run(&other, note_number, &numbers[1]));
    lend_future_drop(workshop_run(&one, note_number, &numbers[2]));
    assert_true(numbers[0] > 0 && numbers[0] < numbers[1] && numbers[1] < numbers[2]);
    workshop_close(&one);
    workshop_close(&other);
}

static void a_future_says_the_number_of_its_job_before_and_after_the_outcome(void **state) {
    (void)state;
    struct workshop shop;
    struct held_job held;
    held_job_init(&held);
    workshop_open(&shop, 1, NULL);
    struct lend_lease lease = lend_acquire(shop.pool, LEND_NOW);
    lend_future *future = held_job_submit(&shop, &held, LEND_FOREVER);
    uint64_t number = lend_future_number(future);
    lend_release(&lease);
    tally_add(&held.go);
    assert_int_equal(lend_future_join(future, LEND_FOREVER), 0);
    assert_int_not_equal(number, 0);
    assert_int_equal(number, held.number);
    workshop_close(&shop);
    assert_int_equal(lend_future_number(future), number);
    lend_future_drop(future);
    assert_int_equal(lend_future_number(NULL), 0);
    held_job_deinit(&held);
}

struct errand_boy {
    lend_executor *other;
    enum lend_outcome outcome;
};

static int run_an_errand(void *model, void *argument, lend_job *job) {
    (void)model, (void)job;
    struct errand_boy *boy = argument;
    lend_future *future;
    int error = lend_submit(boy->other, &LEND_JOB(.run = plain_job_run), &future);
    if (error != 0)
        return error;
    error = lend_future_wait(future, LEND_FOREVER);
    boy->outcome = lend_future_outcome(future);
    lend_future_drop(future);
    return error;
}

static struct lend_lease of_the_worker, left_by_a_job;

static void borrow_as_worker(void *pool) {
    of_the_worker = lend_acquire(pool, LEND_NOW);
}

static void release_of_the_worker(lend_future *future, void *unused) {
    (void)future, (void)unused;
    lend_release(&of_the_worker);
}

static int leave_one(void *model, void *pool, lend_job *job) {
    (void)model, (void)job;
    left_by_a_job = lend_acquire(pool, LEND_NOW);
    return lend_lease_error(&left_by_a_job);
}

/* A worker may have leases of its own, and get rid of them between two jobs. */
static void what_a_job_leaves_is_found_whatever_its_worker_had_before(void **state) {
    (void)state;
    struct shelf shelf;
    lend_executor *executor;
    lend_future *future;
    shelf_open(&shelf, 3);
    assert_int_equal(
        lend_executor_open(&executor, &LEND_EXECUTOR_OPTIONS(.pool = shelf.pool, .workers = 1,
                                                             .worker_begins = borrow_as_worker,
                                                             .worker_context = shelf.pool)),
        0);
    const struct lend_job_spec jobs[] = {
        LEND_JOB(.run = plain_job_run, .done = release_of_the_worker),
        LEND_JOB(.run = leave_one, .argument = shelf.pool),
    };
    for (size_t i = 0; i < sizeof jobs / sizeof jobs[0]; i++) {
        assert_int_equal(lend_submit(executor, &jobs[i], &future), 0);
        assert_int_equal(lend_future_join(future, LEND_FOREVER), 0);
        assert_int_equal(lend_future_error(future), 0);
        lend_future_drop(future);
    }
    assert_int_equal(events_count_of(&shelf.events, LEND_EVENT_LEASE_LEFT), 1);
    assert_true(eventually(stats_of(shelf.pool).free == 3));
    assert_int_equal(lend_executor_close(executor, LEND_FOREVER), 0);
    shelf_close(&shelf);
}

static void a_job_may_wait_for_one_of_another_executor(void **state) {
    (void)state;
    struct workshop one, other;
    workshop_open(&one, 1, NULL);
    workshop_open(&other, 1, NULL);
    struct errand_boy boy = {.other = other.executor};
    lend_future *future;
    assert_int_equal(
        lend_submit(one.executor, &LEND_JOB(.run = run_an_errand, .argument = &boy), &future), 0);
    assert_int_equal(lend_future_wait(future, LEND_FOREVER), 0);
    assert_int_equal(lend_future_outcome(future), LEND_SUCCEEDED);
    assert_int_equal(boy.outcome, LEND_SUCCEEDED);
    lend_future_drop(future);
    workshop_close(&one);
    workshop_close(&other);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_asked_of_no_job),
        cmocka_unit_test(a_value_returned_to_no_job_is_destroyed_at_once),
        cmocka_unit_test(the_last_value_counts_and_the_one_before_is_destroyed),
        cmocka_unit_test(a_failed_job_keeps_its_words_and_its_value),
        cmocka_unit_test(a_value_without_a_destroy_is_left_alone),
        cmocka_unit_test(the_last_words_count),
        cmocka_unit_test(words_may_have_numbers_of_any_kind),
        cmocka_unit_test(words_that_do_not_fit_end_with_dots),
        cmocka_unit_test(a_model_that_its_job_found_broken_is_replaced),
        cmocka_unit_test(a_job_knows_its_deadline),
        cmocka_unit_test(a_job_holds_its_model_under_its_own_number_and_the_site_of_its_submission),
        cmocka_unit_test(a_job_may_borrow_on_its_own_account),
        cmocka_unit_test(job_numbers_are_unique_in_the_process),
        cmocka_unit_test(a_future_says_the_number_of_its_job_before_and_after_the_outcome),
        cmocka_unit_test(what_a_job_leaves_is_found_whatever_its_worker_had_before),
        cmocka_unit_test(a_job_may_wait_for_one_of_another_executor),
    };
    return cmocka_run_group_tests_name("job", tests, NULL, NULL);
}
