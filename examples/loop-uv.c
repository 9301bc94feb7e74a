/* SPDX-License-Identifier: MIT
 *
 *     loop-uv SECONDS PICTURE...
 *
 * loop-epoll on libuv: the completion queue's descriptor is a uv_poll_t, the beat a uv_timer_t, and
 * libuv's own thread pool has nothing to do. */
#include "loop/beats.h"
#include "loop/reading.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <uv.h>

struct loop {
    uv_loop_t uv;
    uv_poll_t answers;
    uv_timer_t beat, end;
    uv_signal_t interrupts[2];
    struct beats beats;
    struct reading reading;
};

static struct loop *loop_of(const uv_handle_t *handle) {
    return handle->data;
}

static void on_answers(uv_poll_t *handle, int status, int events) {
    struct loop *loop = loop_of((uv_handle_t *)handle);
    (void)events;
    if (status == 0)
        reading_answer(&loop->reading);
    if (loop->reading.ending)
        uv_stop(&loop->uv);
}

static void on_beat(uv_timer_t *handle) {
    beats_note(&loop_of((uv_handle_t *)handle)->beats);
}

static void on_end(uv_timer_t *handle) {
    uv_stop(handle->loop);
}

static void on_signal(uv_signal_t *handle, int number) {
    (void)number;
    uv_stop(handle->loop);
}

static int start(struct loop *loop, uint64_t seconds) {
    static const int signals[] = {SIGINT, SIGTERM};
    int error = uv_loop_init(&loop->uv);
    if (error != 0)
        return error;
    uv_poll_init(&loop->uv, &loop->answers, lend_completions_descriptor(loop->reading.queue));
    uv_timer_init(&loop->uv, &loop->beat);
    uv_timer_init(&loop->uv, &loop->end);
    loop->answers.data = loop->beat.data = loop;
    for (int i = 0; i < 2; i++) {
        uv_signal_init(&loop->uv, &loop->interrupts[i]);
        uv_signal_start(&loop->interrupts[i], on_signal, signals[i]);
    }
    uv_poll_start(&loop->answers, UV_READABLE, on_answers);
    uv_timer_start(&loop->end, on_end, seconds * 1000, 0);
    return uv_timer_start(&loop->beat, on_beat, BEAT_MS, BEAT_MS);
}

static void close_handle(uv_handle_t *handle, void *unused) {
    (void)unused;
    uv_close(handle, NULL);
}

/* The handles go before the descriptor that one of them polls. */
static void stop(struct loop *loop) {
    uv_walk(&loop->uv, close_handle, NULL);
    uv_run(&loop->uv, UV_RUN_DEFAULT);
    uv_loop_close(&loop->uv);
}

static int read_for(struct loop *loop, uint64_t seconds) {
    int error = start(loop, seconds);
    if (error != 0) {
        fprintf(stderr, "loop-uv: %s\n", uv_strerror(error));
        return EXIT_FAILURE;
    }
    lend_thread_forbid_blocking(true);
    reading_feed(&loop->reading);
    beats_begin(&loop->beats);
    uv_run(&loop->uv, UV_RUN_DEFAULT);
    stop(loop);
    lend_thread_forbid_blocking(false);
    return EXIT_SUCCESS;
}

int main(int count, char **words) {
    static struct loop loop;
    long seconds = count < 3 ? 0 : strtol(words[1], NULL, 10);
    if (seconds < 1) {
        fprintf(stderr, "usage: loop-uv SECONDS PICTURE...\n");
        return 2;
    }
    if (reading_open(&loop.reading, words + 2, count - 2) != 0)
        return EXIT_FAILURE;
    int status = read_for(&loop, (uint64_t)seconds);
    int concluded = reading_conclude(&loop.reading, &loop.beats);
    return status != EXIT_SUCCESS ? status : concluded;
}
