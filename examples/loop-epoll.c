/* SPDX-License-Identifier: MIT
 *
 *     loop-epoll SECONDS PICTURE...
 *
 * An event loop on nothing but Linux that has pages read as fast as two models can, and goes on
 * beating every 5 ms meanwhile. It waits in epoll and nowhere else, and its thread is marked as one
 * that must not: were a call of lend to block, it would fail instead. Ctrl-C ends it early. */
#include "loop/beats.h"
#include "loop/reading.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

/* What the loop looks at. */
enum source { SOURCE_BEAT, SOURCE_ANSWERS, SOURCE_SIGNAL, SOURCES };

struct loop {
    int epoll;
    int descriptors[SOURCES];
    struct beats beats;
    struct reading reading;
    int64_t end_ns;
    bool interrupted;
};

static bool watch(struct loop *loop, enum source source, int descriptor) {
    struct epoll_event event = {.events = EPOLLIN, .data = {.u32 = source}};
    loop->descriptors[source] = descriptor;
    return descriptor >= 0 && epoll_ctl(loop->epoll, EPOLL_CTL_ADD, descriptor, &event) == 0;
}

static int start_beating(void) {
    const struct itimerspec every = {.it_interval = {.tv_nsec = BEAT_MS * 1000000},
                                     .it_value = {.tv_nsec = BEAT_MS * 1000000}};
    int descriptor = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    if (descriptor >= 0)
        timerfd_settime(descriptor, 0, &every, NULL);
    return descriptor;
}

/* Before any thread is started, so that no other takes the signal. */
static int take_signals(void) {
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    sigprocmask(SIG_BLOCK, &signals, NULL);
    return signalfd(-1, &signals, SFD_NONBLOCK | SFD_CLOEXEC);
}

/* Take what a timer or signal says, so that it is not said again. */
static void consume(int descriptor) {
    char buffer[sizeof(struct signalfd_siginfo)];
    while (read(descriptor, buffer, sizeof buffer) > 0)
        ;
}

static void handle(struct loop *loop, enum source source) {
    switch (source) {
    case SOURCE_BEAT:
        consume(loop->descriptors[SOURCE_BEAT]);
        beats_note(&loop->beats);
        break;
    case SOURCE_ANSWERS:
        reading_answer(&loop->reading);
        break;
    case SOURCE_SIGNAL:
        consume(loop->descriptors[SOURCE_SIGNAL]);
        loop->interrupted = true;
        break;
    case SOURCES:
        break;
    }
}

static void run(struct loop *loop) {
    while (!loop->interrupted && !loop->reading.ending && beats_now_ns() < loop->end_ns) {
        struct epoll_event events[SOURCES];
        int count = epoll_wait(loop->epoll, events, SOURCES, -1);
        for (int i = 0; i < count; i++)
            handle(loop, (enum source)events[i].data.u32);
    }
}

static int read_for(struct loop *loop, int64_t seconds) {
    loop->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (loop->epoll < 0 ||
        !watch(loop, SOURCE_ANSWERS, lend_completions_descriptor(loop->reading.queue)) ||
        !watch(loop, SOURCE_SIGNAL, loop->descriptors[SOURCE_SIGNAL]) ||
        !watch(loop, SOURCE_BEAT, start_beating())) {
        perror("loop-epoll");
        return EXIT_FAILURE;
    }
    loop->end_ns = beats_now_ns() + seconds * 1000000000;
    lend_thread_forbid_blocking(true);
    reading_feed(&loop->reading);
    beats_begin(&loop->beats);
    run(loop);
    lend_thread_forbid_blocking(false);
    return EXIT_SUCCESS;
}

int main(int count, char **words) {
    static struct loop loop;
    long seconds = count < 3 ? 0 : strtol(words[1], NULL, 10);
    if (seconds < 1) {
        fprintf(stderr, "usage: loop-epoll SECONDS PICTURE...\n");
        return 2;
    }
    loop.descriptors[SOURCE_SIGNAL] = take_signals();
    if (reading_open(&loop.reading, words + 2, count - 2) != 0)
        return EXIT_FAILURE;
    int status = read_for(&loop, seconds);
    int concluded = reading_conclude(&loop.reading, &loop.beats);
    return status != EXIT_SUCCESS ? status : concluded;
}
