/* SPDX-License-Identifier: MIT */
#include "reading.h"

#include <stdio.h>
#include <stdlib.h>

/* Callbacks in one turn of the loop. */
enum { BUDGET = 16 };

enum { MODELS = 2, CLOSE_MS = 60000 };

static int read_file(const char *name, struct lend_ocr_request *ret_picture) {
    FILE *file = fopen(name, "rb");
    if (file == NULL)
        return errno;
    int error = ENOMEM;
    size_t size = 0, room = 1 << 20;
    char *data = malloc(room);
    if (data != NULL) {
        size = fread(data, 1, room, file);
        error = ferror(file) ? EIO : size == room ? EFBIG : 0;
    }
    fclose(file);
    if (error == 0)
        *ret_picture = LEND_OCR_REQUEST(.data = data, .data_size = size);
    else
        free(data);
    return error;
}

static int open_all(struct reading *reading) {
    int error =
        lend_pool_open(&reading->pool, &LEND_POOL_OPTIONS(.name = "ocr", .ops = &lend_ocr_model_ops,
                                                          .models = MODELS));
    if (error == 0)
        error =
            lend_executor_open(&reading->executor, &LEND_EXECUTOR_OPTIONS(.pool = reading->pool));
    if (error == 0)
        error = lend_completions_open(&reading->queue);
    return error;
}

int reading_open(struct reading *reading, char **files, int count) {
    *reading = (struct reading){0};
    for (int i = 0; i < count && i < PICTURES_MAX; i++) {
        int error = read_file(files[i], &reading->pictures[reading->picture_count++]);
        if (error != 0) {
            fprintf(stderr, "%s: %s\n", files[i], lend_strerror(error));
            return error;
        }
    }
    int error = open_all(reading);
    if (error != 0)
        fprintf(stderr, "cannot begin: %s\n", lend_strerror(error));
    return error;
}

static void on_page(lend_future *future, void *argument) {
    struct reading *reading = argument;
    reading->under_way--;
    enum lend_outcome outcome = lend_future_outcome(future);
    if (outcome == LEND_CANCELLED && reading->ending)
        return;
    if (outcome != LEND_SUCCEEDED) {
        reading->failed++;
        fprintf(stderr, "not read: %s\n", lend_future_reason(future));
        return;
    }
    struct lend_ocr_result *result = lend_future_take(future);
    for (size_t i = 0; i < result->page_count; i++)
        reading->words += result->pages[i].word_count;
    lend_ocr_result_free(result);
    reading->read++;
}

/* The future is kept for the callback's sake by the library: here it is not needed any more. */
static int submit(struct reading *reading) {
    lend_future *future;
    struct lend_ocr_request *picture = &reading->pictures[reading->next];
    int error = lend_submit(
        reading->executor,
        &LEND_JOB(.run = lend_ocr_job, .argument = picture, .deadline = lend_within_ms(60000)),
        &future);
    if (error != 0)
        return error;
    error = lend_future_then(future, reading->queue, on_page, reading);
    if (error != 0)
        lend_future_cancel(future);
    lend_future_drop(future);
    if (error != 0)
        return error;
    reading->next = (reading->next + 1) % reading->picture_count;
    reading->under_way++;
    return 0;
}

void reading_feed(struct reading *reading) {
    if (reading->ending)
        return;
    int error;
    while ((error = submit(reading)) == 0)
        ;
    if (error != EAGAIN) {
        fprintf(stderr, "not submitted: %s\n", lend_strerror(error));
        reading->failed++;
        reading->ending = true;
    }
}

void reading_answer(struct reading *reading) {
    lend_completions_run(reading->queue, BUDGET);
    reading_feed(reading);
}

/* What has not begun is given up, what is being read is told to stop, and waited for. */
int reading_close(struct reading *reading) {
    reading->ending = true;
    int error = lend_executor_close(reading->executor, LEND_NOW);
    if (error == EBUSY)
        error = lend_executor_close(reading->executor, lend_within_ms(CLOSE_MS));
    while (error == 0 && reading->under_way > 0)
        lend_completions_run(reading->queue, BUDGET);
    if (error == 0)
        error = lend_completions_close(reading->queue);
    if (error == 0)
        error = lend_pool_close(reading->pool, lend_within_ms(CLOSE_MS), NULL);
    for (int i = 0; i < reading->picture_count; i++)
        free((void *)(uintptr_t)reading->pictures[i].data);
    return error;
}
