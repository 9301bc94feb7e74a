/* SPDX-License-Identifier: MIT
 *
 * Reading on a thread of somebody else's: it ends at the deadline or when it is told to, holds off
 * the cancellation of its thread, and starts no other threads. Whatever ended it, the model reads
 * the next page. */
#define _GNU_SOURCE
#include "reader.h"

#include <dirent.h>
#include <dlfcn.h>
#include <pthread.h>
#include <unistd.h>

static lend_pool *reader;

static int open_reader(void **state) {
    (void)state;
    reader = reader_open(NULL);
    return 0;
}

static int close_reader(void **state) {
    (void)state;
    reader_close(reader);
    return 0;
}

/* Say yes at the n-th question. */
struct asked {
    int times, yes_at;
    lend_deadline deadline; /* if not zeroed: not before this has passed */
};

static bool say_yes_in_time(void *context) {
    struct asked *asked = context;
    if (++asked->times < asked->yes_at)
        return false;
    while (asked->deadline.at_ns != 0 && lend_deadline_left_ms(asked->deadline) > 0)
        usleep(1000);
    return true;
}

/* Read a page until the n-th question is answered with yes. */
static int read_until(int yes_at, lend_deadline deadline, struct lend_reason *reason) {
    struct file file = page_file();
    struct asked asked = {.yes_at = yes_at, .deadline = deadline};
    struct lend_ocr_result *result = NULL;
    int error = read_request(reader,
                             &LEND_OCR_REQUEST(.data = file.bytes, .data_size = file.size,
                                               .deadline = deadline, .must_stop = say_yes_in_time,
                                               .must_stop_context = &asked),
                             &result, reason);
    file_free(&file);
    if (error == 0) { /* it was not asked as often */
        assert_true(asked.times < yes_at);
        lend_ocr_result_free(result);
    } else {
        assert_null(result);
        assert_int_equal(asked.times, yes_at); /* and never again after a yes */
    }
    check_reads(reader);
    return error;
}

static void a_reading_stops_wherever_it_is_told_to(void **state) {
    (void)state;
    struct lend_reason reason = {0};
    int yes_at = 1;
    while (read_until(yes_at, LEND_BY_DEFAULT, &reason) != 0) {
        assert_int_equal(reason.error, ECANCELED);
        assert_non_null(strstr(reason.text, "page 1"));
        yes_at++;
    }
    assert_true(yes_at >= 3); /* before the page, and for each of two lines */
}

static void a_deadline_that_has_passed_stops_it_at_once(void **state) {
    (void)state;
    struct file file = page_file();
    struct lend_ocr_result *result = NULL;
    struct lend_reason reason = {0};
    struct asked asked = {.yes_at = 1};
    assert_int_equal(
        read_request(reader,
                     &LEND_OCR_REQUEST(.data = file.bytes, .data_size = file.size,
                                       .deadline = LEND_NOW, .must_stop = say_yes_in_time,
                                       .must_stop_context = &asked),
                     &result, &reason),
        ETIMEDOUT);
    assert_int_equal(reason.error, ETIMEDOUT);
    assert_int_equal(asked.times, 0);
    file_free(&file);
    check_reads(reader);
}

static void a_stop_after_the_deadline_counts_as_the_deadline(void **state) {
    (void)state;
    struct lend_reason reason = {0};
    assert_int_equal(read_until(2, lend_within_ms(1500), &reason), ETIMEDOUT);
    assert_int_equal(reason.error, ETIMEDOUT);
}

/* Waits for the deadline between two lines, but does not say that anything must stop. */
static bool dawdle(void *context) {
    struct asked *asked = context;
    if (++asked->times == 2)
        while (lend_deadline_left_ms(asked->deadline) > 0)
            usleep(1000);
    return false;
}

static void a_deadline_that_passes_between_two_lines_stops_it(void **state) {
    (void)state;
    struct file file = page_file();
    struct asked asked = {.deadline = lend_within_ms(1500)};
    struct lend_ocr_result *result = NULL;
    assert_int_equal(read_request(reader,
                                  &LEND_OCR_REQUEST(.data = file.bytes, .data_size = file.size,
                                                    .deadline = asked.deadline, .must_stop = dawdle,
                                                    .must_stop_context = &asked),
                                  &result, NULL),
                     ETIMEDOUT);
    assert_null(result);
    file_free(&file);
    check_reads(reader);
}

static int count_threads(void) {
    DIR *tasks = opendir("/proc/self/task");
    int count = 0;
    if (tasks == NULL)
        return -1;
    for (const struct dirent *task; (task = readdir(tasks)) != NULL;)
        count += task->d_name[0] != '.';
    closedir(tasks);
    return count;
}

/* How many threads there are while a page is read on a thread that never read one before: OpenMP
 * keeps helpers for each thread that once asked for them. */
struct census {
    struct lend_ocr_request request;
    int before, most; /* threads */
    int levels_before, levels_after;
    int error;
    struct lend_ocr_result *result;
};

static bool take_census(void *context) {
    struct census *census = context;
    int threads = count_threads();
    census->most = threads > census->most ? threads : census->most;
    return false;
}

/* 0 without OpenMP. */
static int openmp_levels(void) {
    int (*levels)(void) = NULL;
    void *symbol = dlsym(RTLD_DEFAULT, "omp_get_max_active_levels");
    memcpy(&levels, &symbol, sizeof levels);
    return levels != NULL ? levels() : 0;
}

static void *read_and_count(void *argument) {
    struct census *census = argument;
    census->before = count_threads();
    census->levels_before = openmp_levels();
    census->error = read_request(reader, &census->request, &census->result, NULL);
    census->levels_after = openmp_levels();
    return NULL;
}

static void the_engine_starts_no_threads_and_openmp_is_left_as_it_was(void **state) {
    (void)state;
    struct file file = page_file();
    struct census census = {.error = EINVAL};
    pthread_t thread;
    census.request = LEND_OCR_REQUEST(.data = file.bytes, .data_size = file.size,
                                      .must_stop = take_census, .must_stop_context = &census);
    assert_int_equal(pthread_create(&thread, NULL, read_and_count, &census), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(census.error, 0);
    assert_int_equal(census.most, census.before);
    assert_int_equal(census.levels_after, census.levels_before);
    lend_ocr_result_free(census.result);
    file_free(&file);
}

static void the_engines_own_threads_read_the_same(void **state) {
    (void)state;
    struct lend_ocr_options options = LEND_OCR_OPTIONS(.engine_threads = true);
    lend_pool *pool = reader_open(&options);
    check_reads(pool);
    reader_close(pool);
}

/* A thread that is cancelled while it reads. */
struct cancelled {
    const struct file *file;
    int error;
    bool outlived; /* the thread went on after it should have ended */
    struct lend_ocr_result *result;
};

static bool cancel_myself(void *context) {
    (void)context;
    pthread_cancel(pthread_self());
    pthread_testcancel();
    return false;
}

/* A frame of its own: AddressSanitizer does not clear those that a cancellation leaves. */
static __attribute__((__noinline__)) void read_on_this_thread(struct cancelled *cancelled) {
    cancelled->error = read_request(reader,
                                    &LEND_OCR_REQUEST(.data = cancelled->file->bytes,
                                                      .data_size = cancelled->file->size,
                                                      .must_stop = cancel_myself),
                                    &cancelled->result, NULL);
}

static void *read_and_end(void *cancelled) {
    read_on_this_thread(cancelled);
    pthread_testcancel();
    ((struct cancelled *)cancelled)->outlived = true;
    return NULL;
}

static void cancelling_a_thread_waits_for_the_end_of_its_reading(void **state) {
    (void)state;
    struct file file = page_file();
    struct cancelled cancelled = {.file = &file, .error = EINVAL};
    pthread_t thread;
    void *result = NULL;
    assert_int_equal(pthread_create(&thread, NULL, read_and_end, &cancelled), 0);
    assert_int_equal(pthread_join(thread, &result), 0);
    assert_ptr_equal(result, PTHREAD_CANCELED);
    assert_false(cancelled.outlived);
    assert_int_equal(cancelled.error, 0);
    assert_string_equal(cancelled.result->pages[0].text, PAGE_TEXT);
    lend_ocr_result_free(cancelled.result);
    file_free(&file);
    check_reads(reader);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_reading_stops_wherever_it_is_told_to),
        cmocka_unit_test(a_deadline_that_has_passed_stops_it_at_once),
        cmocka_unit_test(a_stop_after_the_deadline_counts_as_the_deadline),
        cmocka_unit_test(a_deadline_that_passes_between_two_lines_stops_it),
        cmocka_unit_test(the_engine_starts_no_threads_and_openmp_is_left_as_it_was),
        cmocka_unit_test(the_engines_own_threads_read_the_same),
        cmocka_unit_test(cancelling_a_thread_waits_for_the_end_of_its_reading),
    };
    return cmocka_run_group_tests(tests, open_reader, close_reader);
}
