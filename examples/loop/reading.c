/* SPDX-License-Identifier: MIT */
#include "reading.h"

#include <stdio.h>
#include <stdlib.h>

/* Callbacks in one turn of the loop. */
enum { BUDGET = 16 };

enum { MODELS = 2, CLOSE_MS = 60000 };

/* What the library takes unless it is told otherwise. */
#define FILE_MIB_MAX 64
#define FILE_BYTES_MAX ((size_t)FILE_MIB_MAX << 20)

/* With room for one byte more than is allowed, by which a larger file shows. */
static int read_whole(FILE *file, char *room, size_t *ret_size, struct lend_reason *reason) {
    if (room == NULL)
        return lend_reason_set(reason, ENOMEM, "no memory for it");
    *ret_size = fread(room, 1, FILE_BYTES_MAX + 1, file);
    if (ferror(file))
        return lend_reason_set(reason, EIO, "it cannot be read");
    if (*ret_size > FILE_BYTES_MAX)
        return lend_reason_set(reason, EFBIG, "it is larger than %d MiB", FILE_MIB_MAX);
    return 0;
}

static int read_file(const char *name, struct lend_ocr_request *ret_picture,
                     struct lend_reason *reason) {
    size_t size = 0;
    FILE *file = fopen(name, "rb");
    if (file == NULL)
        return lend_reason_set(reason, errno, "%s", lend_strerror(errno));
    char *data = malloc(FILE_BYTES_MAX + 1); /* what is not written to takes no memory */
    int error = read_whole(file, data, &size, reason);
    fclose(file);
    if (error != 0) {
        free(data);
        return error;
    }
    char *fitting = realloc(data, size + 1);
    *ret_picture = LEND_OCR_REQUEST(.data = fitting != NULL ? fitting : data, .data_size = size);
    return 0;
}

static int read_files(struct reading *reading, char **names, int count) {
    reading->pictures = calloc((size_t)count, sizeof *reading->pictures);
    if (reading->pictures == NULL) {
        fprintf(stderr, "no memory for %d pictures\n", count);
        return ENOMEM;
    }
    for (int i = 0; i < count; i++) {
        struct lend_reason reason = {0};
        int error = read_file(names[i], &reading->pictures[i], &reason);
        if (error != 0) {
            fprintf(stderr, "%s: %s\n", names[i], reason.text);
            return error;
        }
        reading->picture_count++;
    }
    return 0;
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
    int error = read_files(reading, files, count);
    if (error != 0)
        return error;
    error = open_all(reading);
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
static int close_all(struct reading *reading) {
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
    free(reading->pictures);
    return error;
}

int reading_conclude(struct reading *reading, const struct beats *beats) {
    int error = close_all(reading);
    printf("%u pages read, %u failed, %zu words; %llu beats, %llu late by more than %d ms, the "
           "worst by %.1f ms\n",
           reading->read, reading->failed, reading->words, (unsigned long long)beats->count,
           (unsigned long long)beats->late, LATE_MS, (double)beats->worst_ns / 1e6);
    if (error != 0)
        fprintf(stderr, "not closed: %s\n", lend_strerror(error));
    return error != 0 || reading->failed > 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
