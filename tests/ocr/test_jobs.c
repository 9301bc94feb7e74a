/* SPDX-License-Identifier: MIT
 *
 * Reading as jobs: the result is the future's value, the words of a failure are its reason, and
 * whatever becomes of a job, the model reads the next page. */
#include "reader.h"

#include <pthread.h>

static lend_pool *reader;
static lend_executor *executor;

static int open_executor(void **state) {
    (void)state;
    reader = reader_open(NULL);
    return lend_executor_open(&executor, &LEND_EXECUTOR_OPTIONS(.pool = reader, .queue_max = 100));
}

static int close_executor(void **state) {
    (void)state;
    assert_int_equal(lend_executor_close(executor, LEND_FOREVER), 0);
    reader_close(reader);
    return 0;
}

static lend_future *submit(struct lend_ocr_request *request, lend_deadline deadline) {
    lend_future *future = NULL;
    assert_int_equal(
        lend_submit(executor,
                    &LEND_JOB(.run = lend_ocr_job, .argument = request, .deadline = deadline),
                    &future),
        0);
    return future;
}

static void the_value_of_a_job_is_its_result(void **state) {
    (void)state;
    struct file file = page_file();
    struct lend_ocr_request request = LEND_OCR_REQUEST(.data = file.bytes, .data_size = file.size);
    lend_future *future = submit(&request, LEND_FOREVER);
    assert_int_equal(lend_future_wait(future, LEND_FOREVER), 0);
    assert_int_equal(lend_future_outcome(future), LEND_SUCCEEDED);
    struct lend_ocr_result *result = lend_future_take(future);
    assert_string_equal(result->pages[0].text, PAGE_TEXT);
    lend_ocr_result_free(result);
    lend_future_drop(future);
    file_free(&file);
}

static void a_result_that_nobody_takes_is_freed(void **state) {
    (void)state;
    struct file file = page_file();
    struct lend_ocr_request request = LEND_OCR_REQUEST(.data = file.bytes, .data_size = file.size);
    lend_future *future = submit(&request, LEND_FOREVER);
    assert_int_equal(lend_future_wait(future, LEND_FOREVER), 0);
    assert_int_equal(lend_future_outcome(future), LEND_SUCCEEDED);
    lend_future_drop(future);
    file_free(&file);
}

static void a_failure_has_the_words_of_the_reading(void **state) {
    (void)state;
    struct lend_ocr_request request = LEND_OCR_REQUEST(.data = "GIF89a....", .data_size = 10);
    lend_future *future = submit(&request, LEND_FOREVER);
    assert_int_equal(lend_future_wait(future, LEND_FOREVER), 0);
    assert_int_equal(lend_future_outcome(future), LEND_FAILED);
    assert_int_equal(lend_future_error(future), ENOTSUP);
    assert_non_null(strstr(lend_future_reason(future), "GIF"));
    lend_future_drop(future);
    check_reads(reader);
}

static void a_job_without_a_request_fails(void **state) {
    (void)state;
    lend_future *future = submit(NULL, LEND_FOREVER);
    assert_int_equal(lend_future_wait(future, LEND_FOREVER), 0);
    assert_int_equal(lend_future_error(future), EINVAL);
    lend_future_drop(future);
}

/* A reading with a job in it: the job cancels itself, as another thread might, and then reads. */
struct cancelled {
    struct lend_ocr_request request;
    lend_future *future;
    pthread_mutex_t mutex; /* held until `future` is there */
    int error;             /* that the reading returned */
};

static int cancel_and_read(void *model, void *argument, lend_job *job) {
    struct cancelled *cancelled = argument;
    pthread_mutex_lock(&cancelled->mutex);
    pthread_mutex_unlock(&cancelled->mutex);
    lend_future_cancel(cancelled->future);
    cancelled->error = lend_ocr_job(model, &cancelled->request, job);
    return cancelled->error;
}

static void a_cancelled_job_stops_reading(void **state) {
    (void)state;
    struct file file = page_file();
    struct cancelled cancelled = {
        .request = LEND_OCR_REQUEST(.data = file.bytes, .data_size = file.size),
        .mutex = PTHREAD_MUTEX_INITIALIZER,
    };
    pthread_mutex_lock(&cancelled.mutex);
    int error = lend_submit(
        executor,
        &LEND_JOB(.run = cancel_and_read, .argument = &cancelled, .deadline = LEND_FOREVER),
        &cancelled.future);
    pthread_mutex_unlock(&cancelled.mutex);
    assert_int_equal(error, 0);
    assert_int_equal(lend_future_wait(cancelled.future, LEND_FOREVER), 0);
    assert_int_equal(lend_future_outcome(cancelled.future), LEND_CANCELLED);
    assert_int_equal(cancelled.error, ECANCELED);
    lend_future_drop(cancelled.future);
    file_free(&file);
    check_reads(reader);
}

/* Ask for no more than the job's deadline gives: the request's own would be for ever. */
static int wait_and_read(void *model, void *argument, lend_job *job) {
    struct cancelled *late = argument;
    while (!lend_job_must_stop(job))
        sched_yield();
    late->error = lend_ocr_job(model, &late->request, job);
    return late->error;
}

static void a_job_past_its_deadline_stops_reading(void **state) {
    (void)state;
    struct file file = page_file();
    struct cancelled late = {
        .request =
            LEND_OCR_REQUEST(.data = file.bytes, .data_size = file.size, .deadline = LEND_FOREVER),
    };
    lend_future *future = NULL;
    assert_int_equal(lend_submit(executor,
                                 &LEND_JOB(.run = wait_and_read, .argument = &late,
                                           .deadline = lend_within_ms(200)),
                                 &future),
                     0);
    assert_int_equal(lend_future_join(future, LEND_FOREVER), 0);
    assert_int_equal(lend_future_outcome(future), LEND_EXPIRED);
    assert_int_equal(late.error, ETIMEDOUT);
    lend_future_drop(future);
    file_free(&file);
    check_reads(reader);
}

static void many_jobs_each_have_their_own_result(void **state) {
    (void)state;
    enum { JOBS = 40 };
    struct file file = page_file();
    struct lend_ocr_request good = LEND_OCR_REQUEST(.data = file.bytes, .data_size = file.size);
    struct lend_ocr_request bad = LEND_OCR_REQUEST(.data = file.bytes, .data_size = file.size / 2);
    lend_future *futures[JOBS];
    for (int i = 0; i < JOBS; i++)
        futures[i] = submit(i % 3 == 0 ? &bad : &good, LEND_FOREVER);
    for (int i = 0; i < JOBS; i++) {
        assert_int_equal(lend_future_wait(futures[i], LEND_FOREVER), 0);
        assert_int_equal(lend_future_error(futures[i]), i % 3 == 0 ? EBADMSG : 0);
        struct lend_ocr_result *result = lend_future_take(futures[i]);
        assert_true((result == NULL) == (i % 3 == 0));
        if (result != NULL)
            assert_string_equal(result->pages[0].text, PAGE_TEXT);
        lend_ocr_result_free(result);
        lend_future_drop(futures[i]);
    }
    file_free(&file);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_value_of_a_job_is_its_result),
        cmocka_unit_test(a_result_that_nobody_takes_is_freed),
        cmocka_unit_test(a_failure_has_the_words_of_the_reading),
        cmocka_unit_test(a_job_without_a_request_fails),
        cmocka_unit_test(a_cancelled_job_stops_reading),
        cmocka_unit_test(a_job_past_its_deadline_stops_reading),
        cmocka_unit_test(many_jobs_each_have_their_own_result),
    };
    return cmocka_run_group_tests(tests, open_executor, close_executor);
}
