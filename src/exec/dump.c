/* SPDX-License-Identifier: MIT
 *
 * Dumps: all pools from their registry, all executors from a list of their own, or one executor by
 * itself; and the thread that writes them on request. */
#include "base/clock.h"
#include "base/memory.h"
#include "exec/state.h"
#include "pool/registry.h"
#include "pool/report.h"
#include "sync/alert.h"

#include <lend/dump.h>
#include <unistd.h>

static struct directory {
    struct lock lock;      /* before any executor's */
    struct list executors; /* of struct lend_executor.entry; under lock */
} directory = {.lock = LOCK_INIT};

#define DUMP_SIZE (256 * 1024)

static struct dumper {
    struct lock lock; /* of who starts and stops it; before the directory's */
    struct thread thread;
    struct alert alert;
    int descriptor;
    char *buffer;     /* NULL without a thread */
    struct word runs; /* it may be asked */
    struct word stopping;
} dumper = {.lock = LOCK_INIT};

static void free_buffer(void) {
    lend__memory_free(dumper.buffer);
    dumper.buffer = NULL;
}

static struct word forks_handled;

static void prepare_fork(void) {
    lend__lock_acquire(&dumper.lock);
    lend__lock_acquire(&directory.lock);
}

static void end_fork(void) {
    lend__lock_release(&directory.lock);
    lend__lock_release(&dumper.lock);
}

/* All of them are the parent's, and so is the thread that writes dumps. */
static void begin_child(void) {
    word_publish(&forks_handled, FORKS_HANDLED);
    directory.executors = (struct list){0};
    free_buffer();
    word_publish(&dumper.runs, 0);
    end_fork();
}

int lend__directory_prepare(void) {
    return lend__fork_handle(&forks_handled, prepare_fork, end_fork, begin_child);
}

void lend__directory_add(lend_executor *executor) {
    lend__lock_acquire(&directory.lock);
    list_append(&directory.executors, &executor->entry);
    lend__lock_release(&directory.lock);
}

void lend__directory_remove(lend_executor *executor) {
    lend__lock_acquire(&directory.lock);
    list_remove(&directory.executors, &executor->entry);
    lend__lock_release(&directory.lock);
}

static void add_pool(lend_pool *pool, void *argument) {
    struct text *text = argument;
    struct lend_report *report =
        lend__report_take(pool, REPORT_OF_POOL, /* error= */ 0, /* waited_ns= */ 0,
                          /* steps= */ NULL);
    if (report == NULL) {
        lend__text_add(text, "a pool: no memory for its report\n");
        return;
    }
    lend__text_add_report(text, report);
    lend__text_add(text, "\n");
    for (size_t i = 0; i < report->waiter_count; i++) {
        const struct lend_borrower *waiter = &report->waiters[i];
        lend__text_add(text, "  ");
        lend__text_add_owner(text, waiter->kind, waiter->id, waiter->tid);
        lend__text_add(text, " has waited for ");
        lend__text_add_duration(text, waiter->waited_ns);
        lend__text_add_site(text, waiter->site);
        lend__text_add(text, "\n");
    }
    lend_report_free(report);
}

static const char *stage_words(const struct task *task) {
    static const char *const words[][2] = {
        /* undecided, decided */
        [TASK_QUEUED] = {"is queued", "is given up"},
        [TASK_BORROWING] = {"waits for a model", "is given up"},
        [TASK_RUNNING] = {"runs", "runs past its deadline"},
        [TASK_RETURNED] = {"", "is being told"},
        [TASK_FINISHED] = {"", "is being told"},
    };
    return words[task->stage][task_is_decided(task)];
}

struct account {
    struct text *text;
    int64_t now_ns;
};

static bool add_task(struct task *task, void *argument) {
    struct account *account = argument;
    struct text *text = account->text;
    lend__text_add(text, "  job %llu %s", (unsigned long long)task->number, stage_words(task));
    if (task->runner_tid != 0)
        lend__text_add(text, " on thread %u", task->runner_tid);
    lend__text_add(text, ", accepted ");
    lend__text_add_duration(text, elapsed_ns(task->accepted_ns, account->now_ns));
    lend__text_add(text, " ago");
    lend__text_add_site(text, task->site);
    lend__text_add(text, "\n");
    return !text->cut;
}

static void add_tasks(struct list *tasks, struct account *account) {
    for (struct list_node *node = tasks->first; node != NULL && !account->text->cut;
         node = node->next)
        add_task(list_entry(node, struct task, place), account);
}

static void add_executor(struct text *text, lend_executor *executor) {
    struct list woken = {0};
    struct account account = {text, lend__clock_now_ns()};
    uint64_t bytes;
    lend__lock_acquire(&executor->lock);
    lend__executor_absorb(executor, &woken);
    lend__executor_settle(executor, &woken);
    lend__text_add(text,
                   "executor \"%s\": workers %u, idle %u, queued %u of at most %u, submitting %u\n",
                   executor->name, executor->options.workers, lend__executor_at_hand(executor),
                   lend__executor_queued(executor, &bytes), executor->options.queue_max,
                   executor->locked.submitters.length);
    lend__executor_each_out(executor, add_task, &account);
    add_tasks(&executor->locked.queue, &account);
    add_tasks(&executor->locked.given_up, &account);
    lend__lock_release(&executor->lock);
    lend__waiters_wake(&woken);
}

size_t lend_executor_print(lend_executor *executor, char *buffer, size_t size) {
    struct text text = text_into(buffer, size);
    if (executor == NULL)
        lend__text_add(&text, "no executor");
    else if (executor_is_foreign(executor))
        lend__text_add(&text, "executor of the process that forked this one");
    else
        add_executor(&text, executor);
    return text.length;
}

size_t lend_dump(char *buffer, size_t size) {
    struct text text = text_into(buffer, size);
    lend__registry_each(add_pool, &text);
    lend__lock_acquire(&directory.lock);
    for (struct list_node *node = directory.executors.first; node != NULL; node = node->next) {
        lend_executor *executor = list_entry(node, struct lend_executor, entry);
        add_executor(&text, executor);
    }
    lend__lock_release(&directory.lock);
    if (text.length == 0)
        lend__text_add(&text, "no pool is open\n");
    return text.length;
}

/* on request */

static void write_all(int descriptor, const char *data, size_t size) {
    while (size > 0) {
        ssize_t written = write(descriptor, data, size);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return;
        data += written;
        size -= (size_t)written;
    }
}

static void serve(void *unused) {
    (void)unused;
    for (;;) {
        lend__alert_wait(&dumper.alert);
        if (word_read(&dumper.stopping) != 0)
            return;
        write_all(dumper.descriptor, dumper.buffer, lend_dump(dumper.buffer, DUMP_SIZE));
    }
}

/* The alert stays for good once it was made: a signal handler may be just about to raise it. What
 * was asked of the last thread and not done is not asked of this one. */
static int start(int descriptor) {
    static bool has_alert;
    if (!has_alert && lend__alert_init(&dumper.alert) != 0)
        return ENOMEM;
    has_alert = true;
    lend__alert_clear(&dumper.alert);
    dumper.buffer = lend__memory_new(DUMP_SIZE);
    if (dumper.buffer == NULL)
        return ENOMEM;
    dumper.descriptor = descriptor;
    word_publish(&dumper.stopping, 0);
    if (lend__thread_start(&dumper.thread, "lend-dump", serve, NULL) != 0) {
        free_buffer();
        return ENOMEM;
    }
    word_publish(&dumper.runs, 1);
    return 0;
}

int lend_dump_start(int descriptor) {
    if (descriptor < 0)
        return EINVAL;
    if (lend__registry_prepare() != 0 || lend__directory_prepare() != 0)
        return ENOMEM;
    lend__lock_acquire(&dumper.lock);
    int error = word_peek(&dumper.runs) != 0 ? EALREADY : start(descriptor);
    lend__lock_release(&dumper.lock);
    return error;
}

void lend_dump_request(void) {
    if (word_read(&dumper.runs) != 0)
        lend__alert_raise(&dumper.alert);
}

void lend_dump_stop(void) {
    lend__lock_acquire(&dumper.lock);
    if (word_peek(&dumper.runs) != 0) {
        word_publish(&dumper.runs, 0);
        word_publish(&dumper.stopping, 1);
        lend__alert_raise(&dumper.alert);
        lend__thread_join(&dumper.thread);
        free_buffer();
    }
    lend__lock_release(&dumper.lock);
}
