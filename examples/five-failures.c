/* SPDX-License-Identifier: MIT
 *
 * Five ways in which a service with a queue of models stops for good, each on the plain queue and
 * the plain thread pool that people write, and then on lend. All five were met in one program: it
 * read documents with four models, on an event loop, and one day did nothing any more, without an
 * error and without a line in its log. */
#include <lend/lend.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define MODELS 4
#define BOUND 8      /* jobs that may wait */
#define LIMIT_MS 200 /* a plain queue waits for ever; here, for so long */

struct model {
    int pages; /* read so far */
};

/* Reading a page. An empty one cannot be read. */
static int recognise(struct model *model, const char *page) {
    model->pages++;
    return page[0] != '\0' ? 0 : EIO;
}

static sem_t begun, go; /* a job says by the one that it runs, and waits for the other */

/* The plain queue of models: a mutex, a condition, get and put. */

struct queue {
    pthread_mutex_t mutex;
    pthread_cond_t put;
    int count; /* of those that are here */
    struct model *here[MODELS];
    struct model models[MODELS];
};

static void queue_put(struct queue *queue, struct model *model) {
    pthread_mutex_lock(&queue->mutex);
    queue->here[queue->count++] = model;
    pthread_cond_signal(&queue->put);
    pthread_mutex_unlock(&queue->mutex);
}

/* NULL where it would hang. */
static struct model *queue_get(struct queue *queue) {
    struct timespec limit;
    clock_gettime(CLOCK_REALTIME, &limit);
    limit.tv_nsec += LIMIT_MS * 1000000L;
    limit.tv_sec += limit.tv_nsec / 1000000000;
    limit.tv_nsec %= 1000000000;
    int error = 0;
    pthread_mutex_lock(&queue->mutex);
    while (queue->count == 0 && error == 0)
        error = pthread_cond_timedwait(&queue->put, &queue->mutex, &limit);
    struct model *model = queue->count > 0 ? queue->here[--queue->count] : NULL;
    pthread_mutex_unlock(&queue->mutex);
    return model;
}

static void queue_init(struct queue *queue) {
    *queue = (struct queue){.mutex = PTHREAD_MUTEX_INITIALIZER, .put = PTHREAD_COND_INITIALIZER};
    for (int i = 0; i < MODELS; i++)
        queue_put(queue, &queue->models[i]);
}

/* The plain thread pool, of one thread that takes errands off a list. */

#define CROWD 1000 /* the most that the example will add */

struct errand {
    struct queue *queue;
    struct model *model; /* taken by whoever adds the errand, who has no other hold on it */
    const char *page;
    bool cancelled;
};

struct crew {
    pthread_mutex_t mutex;
    pthread_cond_t more;
    struct errand *list[CROWD + 1];
    int added, taken;
    int waiting_max; /* accepted, and never looked at again */
    pthread_t thread;
};

/* An errand without a queue of models is the last one. */
static void *crew_work(void *argument) {
    struct crew *crew = argument;
    for (;;) {
        pthread_mutex_lock(&crew->mutex);
        while (crew->taken == crew->added)
            pthread_cond_wait(&crew->more, &crew->mutex);
        struct errand *errand = crew->list[crew->taken++];
        pthread_mutex_unlock(&crew->mutex);
        if (errand->queue == NULL)
            return NULL;
        if (errand->cancelled)
            continue;
        sem_post(&begun);
        sem_wait(&go);
        recognise(errand->model, errand->page); /* whether it could: nobody asks */
        queue_put(errand->queue, errand->model);
    }
}

static void crew_open(struct crew *crew, int waiting_max) {
    *crew = (struct crew){.mutex = PTHREAD_MUTEX_INITIALIZER, .more = PTHREAD_COND_INITIALIZER};
    crew->waiting_max = waiting_max;
    if (pthread_create(&crew->thread, NULL, crew_work, crew) != 0)
        abort();
}

static void crew_add(struct crew *crew, struct errand *errand) {
    pthread_mutex_lock(&crew->mutex);
    crew->list[crew->added++] = errand;
    pthread_cond_signal(&crew->more);
    pthread_mutex_unlock(&crew->mutex);
}

static void crew_close(struct crew *crew) {
    struct errand end = {0};
    crew_add(crew, &end);
    pthread_join(crew->thread, NULL);
}

/* The same models and the same work for lend. */

static int load(void **ret_model, void *context, struct lend_reason *reason) {
    (void)context;
    *ret_model = calloc(1, sizeof(struct model));
    return *ret_model != NULL ? 0 : lend_reason_set(reason, ENOMEM, "no memory for a model");
}

static void unload(void *model, void *context) {
    (void)context;
    free(model);
}

static const struct lend_model_ops model_ops = LEND_MODEL_OPS(.load = load, .unload = unload);

static int read_job(void *model, void *page, lend_job *job) {
    sem_post(&begun);
    sem_wait(&go);
    int error = recognise(model, page);
    return error != 0 ? lend_job_explain(job, error, "an empty page") : 0;
}

static lend_executor *executor_open(lend_pool *pool, uint32_t workers) {
    lend_executor *executor = NULL;
    if (lend_executor_open(&executor, &LEND_EXECUTOR_OPTIONS(.pool = pool, .workers = workers,
                                                             .queue_max = BOUND)) != 0)
        abort();
    return executor;
}

static void executor_close(lend_executor *executor) {
    if (lend_executor_close(executor, lend_within_ms(5000)) != 0)
        abort();
}

static void print_wait(const char *who, const struct model *model) {
    if (model == NULL)
        printf("   plain  %s hangs: still waiting after %d ms\n", who, LIMIT_MS);
    else
        printf("   plain  %s gets a model\n", who);
}

static void print_pool(lend_pool *pool, int error) {
    struct lend_pool_stats stats = {0};
    if (lend_pool_stats_get(pool, &stats) != 0)
        abort();
    printf("   lend   %u of %u models free; the fifth: %s\n", stats.free, stats.models,
           error == 0 ? "gets a model" : lend_errname(error));
}

/* A report is one line; a page is narrower. What differs from run to run is evened out: threads are
 * numbered from 4711 on, jobs from 1, and all times are the limit. */
static void print_report(const struct lend_report *report) {
    if (report == NULL)
        abort();
    struct lend_report steady = *report;
    struct lend_holder holders[MODELS];
    steady.waited_ns = INT64_C(1000000) * LIMIT_MS;
    steady.holders = holders;
    for (size_t i = 0; i < steady.holder_count; i++) {
        holders[i] = report->holders[i];
        holders[i].tid = 4711 + (holders[i].tid == report->holders[0].tid ? 0 : (uint32_t)i);
        holders[i].held_ns = steady.waited_ns;
        holders[i].id = i + 1;
        holders[i].slot = (unsigned)i;
    }
    char line[1024];
    lend_report_print(&steady, line, sizeof line);
    printf("          ");
    for (const char *c = line; *c != '\0'; c++)
        if (*c == ' ' && (c[1] == '#' || c[-1] == ';'))
            printf("\n            ");
        else
            putchar(*c);
    printf("\n");
}

/* 1. What gives the model back is a line after the one that fails. */

static int read_plainly(struct queue *queue, const char *page) {
    struct model *model = queue_get(queue);
    int error = recognise(model, page);
    if (error != 0)
        return error;
    queue_put(queue, model);
    return 0;
}

static int read_borrowing(lend_pool *pool, const char *page) {
    lend_with (lease, pool, LEND_BY_DEFAULT) {
        return recognise(lease.model, page);
    } lend_else {
        return lend_lease_error(&lease);
    } lend_end
}

static void failing_job(struct queue *queue, lend_pool *pool) {
    printf("1. Four pages cannot be read, and the error skips the hand-back of the model.\n");
    for (int i = 0; i < MODELS; i++)
        read_plainly(queue, "");
    print_wait("the fifth", queue_get(queue));

    for (int i = 0; i < MODELS; i++)
        read_borrowing(pool, "");
    print_pool(pool, read_borrowing(pool, "text"));
}

/* 2. An event loop runs the steps of its tasks in turn: in one a task takes a model, in a later one
 * it gives the model back. */

static void blocked_loop(struct queue *queue, lend_pool *pool) {
    struct lend_lease leases[MODELS + 1], *fifth = &leases[MODELS];
    printf("2. Four tasks of an event loop hold a model each; the fifth waits for one.\n");
    for (int i = 0; i < MODELS; i++)
        queue_get(queue);
    print_wait("the fifth, and with it the loop,", queue_get(queue));

    lend_thread_forbid_blocking(true);
    for (int i = 0; i <= MODELS; i++)
        leases[i] = lend_acquire(pool, LEND_FOREVER);
    printf("   lend   the fifth is told %s, at once\n", lend_errname(lend_lease_error(fifth)));
    print_report(lend_lease_report(fifth));
    for (int i = 0; i <= MODELS; i++)
        lend_release(&leases[i]);
    print_pool(pool, read_borrowing(pool, "text")); /* in its next turn */
    lend_thread_forbid_blocking(false);
}

/* 3. A job that is cancelled does not run, nor does what it would have done last. */

static void cancel_plainly(struct queue *queue) {
    struct queue others;
    struct crew crew;
    struct errand errands[MODELS];
    queue_init(&others);
    struct errand before = {.queue = &others, .model = queue_get(&others), .page = "text"};
    crew_open(&crew, BOUND);
    crew_add(&crew, &before);
    sem_wait(&begun);
    for (int i = 0; i < MODELS; i++) {
        errands[i] = (struct errand){.queue = queue, .model = queue_get(queue), .page = "text"};
        crew_add(&crew, &errands[i]);
        errands[i].cancelled = true;
    }
    sem_post(&go);
    crew_close(&crew);
}

static lend_future *submit(lend_executor *executor, char *page) {
    lend_future *future = NULL;
    if (lend_submit(executor, &LEND_JOB(.run = read_job, .argument = page), &future) != 0)
        abort();
    return future;
}

static void cancelled_job(struct queue *queue, lend_pool *pool) {
    printf("3. Four jobs wait for a thread, with a model each, and are cancelled.\n");
    cancel_plainly(queue);
    print_wait("the fifth", queue_get(queue));

    lend_executor *executor = executor_open(pool, /* workers= */ 1);
    lend_future_drop(submit(executor, "text"));
    sem_wait(&begun);
    for (int i = 0; i < MODELS; i++) {
        lend_future *future = submit(executor, "text");
        lend_future_cancel(future);
        lend_future_drop(future);
    }
    sem_post(&go);
    executor_close(executor);
    print_pool(pool, read_borrowing(pool, "text"));
}

/* 4. The bound on what may wait is accepted, and ignored. */

static void crowd_plainly(struct queue *queue) {
    static struct errand errands[CROWD];
    struct crew crew;
    crew_open(&crew, BOUND);
    for (int i = 0; i < CROWD; i++) {
        errands[i] = (struct errand){.queue = queue, .page = "text", .cancelled = i > 0};
        errands[i].model = i == 0 ? queue_get(queue) : NULL;
        crew_add(&crew, &errands[i]);
        if (i == 0)
            sem_wait(&begun);
    }
    printf("   plain  1 runs, %d wait\n", crew.added - crew.taken);
    sem_post(&go);
    crew_close(&crew);
}

static void ignored_bound(struct queue *queue, lend_pool *pool) {
    int refused = 0;
    printf("4. A thousand jobs are submitted to one thread, and eight may wait.\n");
    crowd_plainly(queue);

    lend_executor *executor = executor_open(pool, /* workers= */ 1);
    for (int i = 0; i < CROWD; i++) {
        int error = lend_submit(executor, &LEND_JOB(.run = read_job, .argument = "text"), NULL);
        if (i == 0)
            sem_wait(&begun);
        refused += error == EAGAIN;
    }
    printf("   lend   1 runs, %d wait, %d are told EAGAIN\n", CROWD - 1 - refused, refused);
    for (int i = 0; i < 1 + BOUND; i++)
        sem_post(&go);
    executor_close(executor);
    for (int i = 0; i < BOUND; i++)
        sem_wait(&begun);
}

/* 5. An error goes nowhere, and a wait that does not end says nothing of its cause. */

static void lose_errors_plainly(struct queue *queue) {
    struct crew crew;
    struct errand errands[MODELS];
    crew_open(&crew, BOUND);
    for (int i = 0; i < MODELS; i++) {
        errands[i] = (struct errand){.queue = queue, .model = queue_get(queue), .page = ""};
        crew_add(&crew, &errands[i]);
        sem_wait(&begun);
        sem_post(&go);
    }
    crew_close(&crew);
    for (int i = 0; i < MODELS; i++)
        queue_get(queue);
    print_wait("not a word of them; the fifth", queue_get(queue));
}

static void silent_failure(struct queue *queue, lend_pool *pool) {
    lend_future *futures[MODELS];
    printf("5. Four pages cannot be read; while they are tried there is no model for a fifth.\n");
    lose_errors_plainly(queue);

    lend_executor *executor = executor_open(pool, MODELS);
    for (int i = 0; i < MODELS; i++) {
        futures[i] = submit(executor, "");
        sem_wait(&begun);
    }
    struct lend_lease lease = lend_acquire(pool, lend_within_ms(LIMIT_MS));
    printf("   lend   the fifth is told %s\n", lend_errname(lend_lease_error(&lease)));
    print_report(lend_lease_report(&lease));
    lend_release(&lease);
    for (int i = 0; i < MODELS; i++)
        sem_post(&go);
    executor_close(executor);
    for (int i = 0; i < MODELS; i++) {
        printf("   lend   page %d: %s, %s: %s\n", i + 1,
               lend_outcome_words(lend_future_outcome(futures[i])),
               lend_errname(lend_future_error(futures[i])), lend_future_reason(futures[i]));
        lend_future_drop(futures[i]);
    }
}

int main(void) {
    static void (*const failures[])(struct queue *, lend_pool *) = {
        failing_job, blocked_loop, cancelled_job, ignored_bound, silent_failure,
    };
    lend_pool *pool = NULL;
    if (sem_init(&begun, 0, 0) != 0 || sem_init(&go, 0, 0) != 0 ||
        lend_pool_open(&pool,
                       &LEND_POOL_OPTIONS(.name = "ocr", .ops = &model_ops, .models = MODELS)) != 0)
        return 1;
    for (size_t i = 0; i < sizeof failures / sizeof *failures; i++) {
        struct queue queue;
        queue_init(&queue);
        failures[i](&queue, pool);
        printf("\n");
    }
    return lend_pool_close(pool, lend_within_ms(5000), NULL) == 0 ? 0 : 1;
}
