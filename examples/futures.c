/* SPDX-License-Identifier: MIT
 *
 * Futures: what can become of a job, one function for each outcome. */
#include <lend/lend.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>

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

/* After each lease, so that no text is counted on top of the one before. */
static int reset(void *model, void *context, struct lend_reason *reason) {
    (void)context, (void)reason;
    *(struct counter *)model = (struct counter){0};
    return 0;
}

static const struct lend_model_ops counter_ops =
    LEND_MODEL_OPS(.load = load, .unload = unload, .reset = reset);

/* A job that ends by itself: with a value, or with an error and words for it. */
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

/* A job that ends when it is told to. Its argument says that it has begun. */
static int work_on(void *model, void *argument, lend_job *job) {
    (void)model;
    sem_post(argument);
    while (!lend_job_must_stop(job))
        ;
    return ECANCELED;
}

static void print_outcome(const char *what, lend_future *future) {
    const char *reason = lend_future_reason(future);
    printf("%s: %s%s%s\n", what, lend_outcome_words(lend_future_outcome(future)),
           reason[0] != '\0' ? ", " : "", reason);
}

static void succeed(lend_executor *executor) {
    lend_future *future = NULL;
    if (lend_submit(executor, &LEND_JOB(.run = count_words, .argument = "to be or not to be"),
                    &future) != 0)
        return;
    if (lend_future_wait(future, lend_within_ms(5000)) == 0) {
        int *words = lend_future_take(future);
        printf("%d words\n", words != NULL ? *words : 0);
        free(words);
        print_outcome("counting", future);
    }
    lend_future_drop(future);
}
