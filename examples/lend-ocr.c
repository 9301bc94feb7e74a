/* SPDX-License-Identifier: MIT
 *
 * lend-ocr: read the text in many pictures, with lend used as a service would use it.
 *
 * One thread has everything but the models: it takes files while the queue has room, hands them
 * to the executor as jobs, and prints each result when all before it are printed. It never waits
 * for one job; it sleeps until any is decided, a slow file brings more, or a signal comes. */
#define _GNU_SOURCE
#include "lend-ocr/console.h"
#include "lend-ocr/inputs.h"
#include "lend-ocr/options.h"
#include "lend-ocr/output.h"
#include "lend-ocr/picture.h"
#include "lend-ocr/progress.h"
#include "lend-ocr/signals.h"
#include "lend-ocr/stats.h"
#include "lend-ocr/tally.h"
#include "lend-ocr/window.h"

#include <fcntl.h>
#include <lend/lend.h>
#include <lend/ocr.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { ALL_READ = 0, SOME_FAILED = 1, BAD_USAGE = 2, SIGNALLED = 128, PIPE_CLOSED = 128 + 13 };

/* Files in the window for each that may be a job: how far the others may run ahead of a slow one.
 */
enum { WINDOW_PER_JOB = 8 };

/* What the queue may hold of pictures, whatever its length. */
#define QUEUE_BYTES_MAX (4 * PICTURE_BYTES_MAX)

/* For a page that is still being read when all else is over: its deadline has been answered. */
#define CLOSE_MS 5000

struct batch {
    struct options options;
    struct lend_ocr_options ocr; /* the models refer to it */
    lend_pool *pool;
    lend_executor *executor;
    struct window window;
    struct inputs inputs;
    bool inputs_ended;
    struct output output;
    struct console console;
    struct progress progress;
    struct tally tally;
    int signal; /* that asked it to stop; 0: none */
};

static int open_pool(struct batch *batch) {
    const struct options *options = &batch->options;
    struct lend_reason reason = {0};
    batch->ocr =
        LEND_OCR_OPTIONS(.languages = options->languages, .psm = options->psm, .dpi = options->dpi,
                         .limits = {.bytes_max = PICTURE_BYTES_MAX,
                                    .pixels_max = options->pixels_max});
    int error = lend_pool_open(
        &batch->pool,
        &LEND_POOL_OPTIONS(.name = "ocr", .ops = &lend_ocr_model_ops, .ops_context = &batch->ocr,
                           .models = options->models, .progress = progress_loading,
                           .progress_context = &batch->progress, .reason = &reason));
    console_erase(&batch->console);
    if (error == 0)
        return ALL_READ;
    console_say(&batch->console, NULL, reason.text[0] != '\0' ? reason.text : lend_strerror(error));
    return error == ENOMEM ? SOME_FAILED : BAD_USAGE;
}

static int open_executor(struct batch *batch) {
    const struct options *options = &batch->options;
    struct lend_executor_options effective;
    int error = lend_executor_open(&batch->executor,
                                   &LEND_EXECUTOR_OPTIONS(.name = "ocr", .pool = batch->pool,
                                                          .queue_max = options->queue,
                                                          .queue_bytes_max = QUEUE_BYTES_MAX));
    if (error == 0)
        error = lend_executor_options_get(batch->executor, &effective);
    if (error == 0) {
        /* A deadline counts from submission. It is meant for the reading: nothing may queue then,
         * unless a queue was asked for. */
        bool queue = options->deadline_ms == 0 || options->queue > 0;
        size_t jobs = (size_t)effective.workers + (queue ? effective.queue_max : 0);
        error = window_open(&batch->window, batch->executor, WINDOW_PER_JOB * jobs, jobs);
    }
    if (error != 0)
        console_say(&batch->console, NULL, lend_strerror(error));
    return error == 0 ? ALL_READ : SOME_FAILED;
}

static int open_output(struct batch *batch) {
    struct lend_reason reason = {0};
    if (output_open(&batch->output, batch->options.as, batch->options.folder, &reason) == 0)
        return ALL_READ;
    console_say(&batch->console, NULL, reason.text);
    return BAD_USAGE;
}

static const char *name_of(const struct entry *entry) {
    return entry->name != NULL ? entry->name : "a file";
}

/* A failed write of a file's result is that file's failure; one of standard output is told once, at
 * the end. */
static void tell_failure(struct batch *batch, const struct entry *entry, const char *words) {
    struct lend_reason reason = {0};
    batch->tally.failed++;
    console_say(&batch->console, name_of(entry), words);
    if (entry->has_place &&
        output_print_failure(&batch->output, name_of(entry), words, &reason) != 0 &&
        batch->output.error == 0)
        console_say(&batch->console, name_of(entry), reason.text);
}

static void tell_result(struct batch *batch, const struct entry *entry,
                        const struct lend_ocr_result *result) {
    struct lend_reason reason = {0};
    console_erase(&batch->console);
    int error = output_print(&batch->output, name_of(entry), result, &reason);
    if (batch->output.error != 0)
        return;
    if (error != 0) {
        tell_failure(batch, entry, reason.text);
        return;
    }
    batch->tally.read++;
    batch->tally.pages += result->page_count;
}

static void tell(struct batch *batch, const struct entry *entry) {
    if (entry->state == ENTRY_FAILED)
        tell_failure(batch, entry, entry->reason.text);
    else if (lend_future_outcome(entry->future) == LEND_SUCCEEDED)
        tell_result(batch, entry, lend_future_peek(entry->future));
    else if (batch->signal == 0 || lend_future_outcome(entry->future) != LEND_CANCELLED)
        tell_failure(batch, entry, lend_future_reason(entry->future));
}

static void print_what_is_over(struct batch *batch) {
    struct entry *oldest;
    while ((oldest = window_oldest(&batch->window)) != NULL && entry_is_over(oldest)) {
        if (batch->output.error == 0)
            tell(batch, oldest);
        window_remove_oldest(&batch->window);
    }
    if (batch->output.error != 0) {
        batch->inputs_ended = true;
        window_cancel_all(&batch->window);
    }
}

/* Whatever comes of the file has a place of its own, or is told on the console only. What is wrong
 * with the file itself is told rather than that its place is taken. */
static void take_place(struct batch *batch, struct entry *entry, const struct input *input) {
    struct lend_reason taken = {0};
    bool prints = input->picture != NULL || output_prints_failures(&batch->output);
    if (prints && input->name != NULL)
        entry->has_place = output_claim(&batch->output, input->name, &taken) == 0;
    if (input->picture == NULL)
        entry_fail(entry, &input->reason);
    else if (!entry->has_place)
        entry_fail(entry, &taken);
}

/* Put the next file into the window. False: there is none, or no place for it. */
static bool take_next(struct batch *batch) {
    struct input input;
    if (batch->inputs_ended || window_is_full(&batch->window))
        return false;
    if (!inputs_next(&batch->inputs, &input)) {
        batch->inputs_ended = true;
        return false;
    }
    struct entry *entry = window_add(&batch->window, input.name, input.picture);
    take_place(batch, entry, &input);
    return true;
}

/* Take files until one has not arrived yet, or there is no room for more, or a signal came. */
static void take_files(struct batch *batch) {
    struct lend_reason reason = {0};
    while (signals_received() == batch->signal) {
        struct entry *newest = window_newest(&batch->window);
        if (newest == NULL || newest->state != ENTRY_ARRIVING) {
            if (!take_next(batch))
                return;
            continue;
        }
        switch (picture_receive(newest->picture, &reason)) {
        case PICTURE_ARRIVING:
            return;
        case PICTURE_FAILED:
            entry_fail(newest, &reason);
            break;
        case PICTURE_WHOLE:
            if (!window_submit(&batch->window, newest, batch->options.deadline_ms))
                return;
            break;
        }
    }
}

static void heed_signal(struct batch *batch) {
    if (batch->signal != 0 || signals_received() == 0)
        return;
    batch->signal = signals_received();
    batch->inputs_ended = true;
    window_cancel_queued(&batch->window);
}

static void sleep_until_news(struct batch *batch) {
    const struct entry *newest = window_newest(&batch->window);
    bool arriving = newest != NULL && newest->state == ENTRY_ARRIVING;
    struct pollfd news[] = {
        {.fd = lend_completions_descriptor(batch->window.decisions), .events = POLLIN},
        {.fd = arriving ? newest->picture->fd : -1, .events = POLLIN},
    };
    progress_show(&batch->progress, &batch->tally, inputs_total(&batch->inputs));
    signals_poll(news, sizeof news / sizeof news[0], progress_timeout_ms(&batch->progress),
                 batch->signal);
    window_collect(&batch->window);
}

static void read_all(struct batch *batch) {
    for (;;) {
        heed_signal(batch);
        print_what_is_over(batch);
        take_files(batch);
        struct entry *oldest = window_oldest(&batch->window);
        if (oldest == NULL && batch->inputs_ended)
            return;
        if (oldest != NULL && !entry_is_over(oldest))
            sleep_until_news(batch);
    }
}

static int conclude(struct batch *batch) {
    output_end(&batch->output);
    int error = batch->output.error;
    if (error == EPIPE)
        return PIPE_CLOSED;
    if (error != 0)
        console_say(&batch->console, "standard output", strerror(error));
    if (batch->signal != 0) {
        char words[96];
        snprintf(words, sizeof words, "stopped; %zu of %zu files were read", batch->tally.read,
                 inputs_total(&batch->inputs));
        console_say(&batch->console, NULL, words);
        return SIGNALLED + batch->signal;
    }
    return error != 0 || batch->tally.failed > 0 ? SOME_FAILED : ALL_READ;
}

/* An engine may be deep in a page whose deadline has passed. Then there is nobody to wait for it,
 * and nothing it uses may be freed. */
static void close_models(struct batch *batch, int status) {
    lend_deadline by = lend_within_ms(CLOSE_MS);
    if (lend_executor_close(batch->executor, by) == 0 &&
        lend_pool_close(batch->pool, by, NULL) == 0)
        return;
    console_say(&batch->console, NULL, "a page is still being read and is left behind");
    _exit(status);
}

static int run(struct batch *batch) {
    int status = open_output(batch);
    if (status == 0)
        status = open_pool(batch);
    if (status == 0)
        status = open_executor(batch);
    if (status == 0) {
        batch->inputs = inputs_open(batch->options.arguments, batch->options.argument_count);
        batch->tally = tally_begin();
        read_all(batch);
        console_erase(&batch->console);
        status = conclude(batch);
        if (batch->options.stats)
            stats_print(&batch->tally, batch->pool, batch->executor);
    }
    close_models(batch, status);
    window_close(&batch->window);
    inputs_close(&batch->inputs);
    output_close(&batch->output);
    return status;
}

/* A descriptor below 3 that is closed would be given to the next file that is opened, and results
 * written into that. These answer every read and write with an error. */
static void hold_standard_streams(void) {
    int fd;
    do
        fd = open("/dev/null", O_PATH | O_CLOEXEC);
    while (fd >= 0 && fd <= STDERR_FILENO);
    close(fd);
}

int main(int argc, char **argv) {
    struct batch batch = {.console = console_open(), .progress.console = &batch.console};
    hold_standard_streams();
    switch (options_parse(&batch.options, argc, argv)) {
    case OPTIONS_HELP:
        return fflush(stdout) == 0 ? ALL_READ : SOME_FAILED;
    case OPTIONS_REFUSED:
        return BAD_USAGE;
    case OPTIONS_GO:
        break;
    }
    signals_watch();
    return run(&batch);
}
