/* SPDX-License-Identifier: MIT
 *
 * Futures: what can become of a job. One executor of one thread, on a pool of one model, so that
 * whatever is submitted second has to queue. */
#include <lend/lend.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

/* The model: it counts words, in a counter of its own. */
struct counter {
    int words;
};

static int load(void **ret_model, void *context, struct lend_reason *reason) {
    (void)context;
    *ret_model = calloc(1, sizeof(struct counter));
    return *ret_model != NULL ? 0 : lend_reason_set(reason, ENOMEM, "no memory for a counter");
}

static void unload(void *model, void *context) {
    (void)context;
    free(model);
}

/* After each job, so that no text is counted on top of the one before. */
static int reset(void *model, void *context, struct lend_reason *reason) {
    (void)context, (void)reason;
    *(struct counter *)model = (struct counter){0};
    return 0;
}

static const struct lend_model_ops counter_ops =
    LEND_MODEL_OPS(.load = load, .unload = unload, .reset = reset);

/* A job that ends by itself, with a value or with an error and words for it. */
static int count_words(void *model, void *argument, lend_job *job) {
    struct counter *counter = model;
    const char *text = argument;
    for (size_t i = 0; text[i] != '\0'; i++)
        counter->words += text[i] != ' ' && (i == 0 || text[i - 1] == ' ');
    if (counter->words == 0)
        return lend_job_explain(job, ENODATA, "not a word in \"%s\"", text);
    int *value = malloc(sizeof *value);
    if (value == NULL)
        return ENOMEM;
    *value = counter->words;
    lend_job_return(job, value, free);
    return 0;
}

/* A job that says when it begins, and ends when it is told to. */
static int work_on(void *model, void *argument, lend_job *job) {
    const struct timespec step = {.tv_nsec = 1000000};
    (void)model;
    sem_post(argument);
    while (!lend_job_must_stop(job))
        nanosleep(&step, NULL);
    return ECANCELED;
}

static lend_future *submit(lend_executor *executor, const struct lend_job_spec *job) {
    lend_future *future = NULL;
    int error = lend_submit(executor, job, &future);
    if (error != 0) {
        fprintf(stderr, "not submitted: %s\n", lend_strerror(error));
        exit(1);
    }
    return future;
}

/* Once nothing of the job is in use any more, its argument included. */
static void print_and_drop(const char *what, lend_future *future) {
    if (lend_future_join(future, lend_within_ms(5000)) != 0)
        fprintf(stderr, "%s: it does not end\n", what);
    int error = lend_future_error(future);
    printf("%s: %s", what, lend_outcome_words(lend_future_outcome(future)));
    if (error != 0)
        printf(", %s: %s", lend_errname(error), lend_future_reason(future));
    printf("\n");
    lend_future_drop(future);
}

static void take_the_value(lend_executor *executor) {
    lend_future *future =
        submit(executor, &LEND_JOB(.run = count_words, .argument = "to be or not to be"));
    if (lend_future_wait(future, lend_within_ms(5000)) == 0) {
        int *words = lend_future_take(future);
        if (words != NULL)
            printf("%d words\n", *words);
        free(words);
    }
    print_and_drop("counted", future);
}

static void read_the_reason(lend_executor *executor) {
    print_and_drop("blank", submit(executor, &LEND_JOB(.run = count_words, .argument = "  ")));
}

static void cancel(lend_executor *executor) {
    sem_t begun;
    sem_init(&begun, 0, 0);
    lend_future *running = submit(executor, &LEND_JOB(.run = work_on, .argument = &begun));
    lend_future *queued = submit(executor, &LEND_JOB(.run = count_words, .argument = "never"));
    sem_wait(&begun);

    int error = lend_future_wait(running, lend_within_ms(20));
    printf("waited for what runs: %s\n", lend_errname(error));
    printf("cancel what is queued: %s\n", lend_errname(lend_future_cancel(queued)));
    printf("cancel what runs: %s\n", lend_errname(lend_future_cancel(running)));
    print_and_drop("queued", queued);
    print_and_drop("running", running);
    sem_destroy(&begun);
}

/* The deadline is answered on time, wherever the job is by then. */
static void pass_the_deadline(lend_executor *executor) {
    sem_t begun;
    sem_init(&begun, 0, 0);
    print_and_drop("late", submit(executor, &LEND_JOB(.run = work_on, .argument = &begun,
                                                      .deadline = lend_within_ms(500))));
    sem_destroy(&begun);
}

/* What nobody reads goes to the sink; and on a busy machine that a job was slow to stop, which is
 * not what is shown here. */
static void print_unread(const struct lend_event *event, void *context) {
    char line[256];
    (void)context;
    if (event->kind != LEND_EVENT_JOB_UNREAD)
        return;
    lend_event_print(event, line, sizeof line);
    printf("%s\n", line);
}

static void drop_unread(lend_executor *executor) {
    lend_future *future = submit(executor, &LEND_JOB(.run = count_words, .argument = ""));
    if (lend_future_join(future, lend_within_ms(5000)) == 0)
        lend_future_drop(future);
}

int main(void) {
    lend_pool *pool = NULL;
    lend_executor *executor = NULL;
    if (lend_pool_open(&pool, &LEND_POOL_OPTIONS(.name = "words", .ops = &counter_ops, .models = 1,
                                                 .sink = print_unread)) != 0 ||
        lend_executor_open(&executor, &LEND_EXECUTOR_OPTIONS(.pool = pool)) != 0)
        return 1;
    take_the_value(executor);
    read_the_reason(executor);
    cancel(executor);
    pass_the_deadline(executor);
    drop_unread(executor);
    if (lend_executor_close(executor, lend_within_ms(5000)) != 0)
        return 1;
    return lend_pool_close(pool, lend_within_ms(5000), NULL) == 0 ? 0 : 1;
}
