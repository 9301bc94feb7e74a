/* SPDX-License-Identifier: MIT
 *
 * From the fault to its cause: whoever waits in vain is told by what he got back, and by nothing
 * else, what is behind it, who has the model, and the very line where that one borrowed it. Each
 * test seeds one fault, and then looks at a failed lease or at what the sink was told. */
#include "support/await.h"
#include "support/borrower.h"
#include "support/events.h"
#include "support/fake_model.h"
#include "support/workshop.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>

#define WAIT_MS 50

/* What a site looks like in print: without its folder. */
static const char *printed(const struct lend_site *site, char (*ret_words)[128]) {
    const char *slash = strrchr(site->file, '/');
    snprintf(*ret_words, sizeof *ret_words, "at %s:%d", slash != NULL ? slash + 1 : site->file,
             site->line);
    return *ret_words;
}

static bool says(const struct lend_report *report, const char *words) {
    char text[2048];
    lend_report_print(report, text, sizeof text);
    if (strstr(text, words) == NULL)
        print_message("\"%s\" is not in: %s\n", words, text);
    return strstr(text, words) != NULL;
}

static bool says_site(const struct lend_report *report, const struct lend_site *site) {
    char words[128];
    return says(report, printed(site, &words));
}

/* Opened before the fault and closed after it. */
struct scene {
    struct fakes fakes;
    struct events events;
    lend_pool *pool;
};

#define scene_open(scene, ...)                                                                     \
    scene_open_with((scene), &LEND_POOL_OPTIONS(.name = "ocr", __VA_ARGS__))

static void scene_open_with(struct scene *scene, const struct lend_pool_options *options) {
    struct lend_pool_options own = *options;
    *scene = (struct scene){0};
    events_init(&scene->events);
    own.sink = events_record;
    own.sink_context = &scene->events;
    scene->pool = fakes_pool_open(&scene->fakes, &own);
}

static void scene_close(struct scene *scene) {
    struct lend_pool_stats stats = stats_of(scene->pool);
    assert_int_equal(stats.lent + stats.lost, 0);
    fakes_close(&scene->fakes, scene->pool);
    events_deinit(&scene->events);
}

/* a holder that sleeps */

struct holder {
    lend_pool *pool;
    const struct lend_site *site;
    struct gate holds, leaves;
    uint32_t tid;
    struct test_thread thread;
};

static int hold(void *argument) {
    struct holder *self = argument;
    self->tid = (uint32_t)syscall(SYS_gettid);
    struct lend_lease lease = lend_acquire_at(self->pool, LEND_FOREVER, self->site);
    gate_open(&self->holds);
    gate_wait(&self->leaves);
    int error = lend_lease_error(&lease);
    lend_release(&lease);
    return error;
}

static void holder_start(struct holder *holder, lend_pool *pool, const struct lend_site *site) {
    *holder = (struct holder){.pool = pool, .site = site};
    gate_init(&holder->holds);
    gate_init(&holder->leaves);
    thread_start(&holder->thread, hold, holder);
    assert_true(gate_wait(&holder->holds));
}

static void holder_end(struct holder *holder) {
    gate_open(&holder->leaves);
    assert_int_equal(thread_join(&holder->thread), 0);
    gate_deinit(&holder->holds);
    gate_deinit(&holder->leaves);
}

static void a_holder_that_sleeps_is_named_with_its_line_and_its_time(void **state) {
    (void)state;
    struct scene scene;
    struct holder holder;
    char words[64];
    const struct lend_site *here = LEND_HERE;
    scene_open(&scene, .models = 1);
    holder_start(&holder, scene.pool, here);
    struct lend_lease failed = lend_acquire(scene.pool, lend_within_ms(WAIT_MS));
    const struct lend_report *report = lend_lease_report(&failed);
    assert_int_equal(report->error, ETIMEDOUT);
    assert_int_equal(report->cause, LEND_CAUSE_HOLDERS);
    assert_int_equal(report->lent, 1);
    assert_int_equal(report->holder_count, 1);
    assert_int_equal(report->holders[0].kind, LEND_OWNER_THREAD);
    assert_int_equal(report->holders[0].tid, holder.tid);
    assert_ptr_equal(report->holders[0].site, here);
    assert_true(report->holders[0].held_ns >= (WAIT_MS - 20) * INT64_C(1000000));
    snprintf(words, sizeof words, "1 of 1 lent: #0 thread %u for ", holder.tid);
    assert_true(says(report, words));
    assert_true(says_site(report, here));
    assert_true(says(report, lend_cause_words(LEND_CAUSE_HOLDERS)));
    lend_release(&failed);
    holder_end(&holder);
    scene_close(&scene);
}

static void the_sink_is_told_of_it_too_while_it_sleeps(void **state) {
    (void)state;
    struct scene scene;
    struct holder holder;
    char words[64];
    const struct lend_site *here = LEND_HERE;
    scene_open(&scene, .models = 1, .hold_alarm_ms = 20);
    holder_start(&holder, scene.pool, here);
    assert_true(eventually(events_count_of(&scene.events, LEND_EVENT_HELD_LONG) == 1));
    struct recorded_event event = events_first_of(&scene.events, LEND_EVENT_HELD_LONG);
    snprintf(words, sizeof words, "thread %u for ", holder.tid);
    assert_ptr_equal(event.site, here);
    assert_int_equal(event.slot, 0);
    assert_string_equal(event.owner, "ocr");
    assert_ptr_equal(strstr(event.text, words), event.text);
    holder_end(&holder);
    scene_close(&scene);
}

/* a leak in a thread that ends, and in a job that returns */

struct leak {
    lend_pool *pool;
    const struct lend_site *site;
    uint32_t tid;
    uint64_t job;
    struct lend_lease lease; /* of who detaches it */
};

static int leave_with_it(void *argument) {
    struct leak *leak = argument;
    leak->tid = (uint32_t)syscall(SYS_gettid);
    struct lend_lease lease = lend_acquire_at(leak->pool, LEND_NOW, leak->site);
    return lend_lease_error(&lease);
}

static void a_leak_by_a_thread_that_ended_is_told_with_its_line(void **state) {
    (void)state;
    struct scene scene;
    char words[64];
    scene_open(&scene, .models = 1);
    struct leak leak = {.pool = scene.pool, .site = LEND_HERE};
    assert_int_equal(thread_run(leave_with_it, &leak), 0);
    struct recorded_event event = events_first_of(&scene.events, LEND_EVENT_LEASE_LEFT);
    snprintf(words, sizeof words, "thread %u ended with it", leak.tid);
    assert_ptr_equal(event.site, leak.site);
    assert_int_equal(event.slot, 0);
    assert_string_equal(event.text, words);
    struct lend_lease next = borrow_now(scene.pool);
    lend_release(&next);
    scene_close(&scene);
}

static int return_with_it(void *model, void *argument, lend_job *job) {
    (void)model;
    struct leak *leak = argument;
    leak->job = lend_job_number(job);
    struct lend_lease lease = lend_acquire_at(leak->pool, LEND_NOW, leak->site);
    return lend_lease_error(&lease);
}

static void a_leak_by_a_job_that_returned_is_told_with_its_line(void **state) {
    (void)state;
    struct scene scene;
    char words[64];
    lend_executor *executor;
    lend_future *future;
    scene_open(&scene, .models = 2);
    struct leak leak = {.pool = scene.pool, .site = LEND_HERE};
    assert_int_equal(lend_executor_open(&executor, &LEND_EXECUTOR_OPTIONS(.pool = scene.pool)), 0);
    assert_int_equal(
        lend_submit(executor, &LEND_JOB(.run = return_with_it, .argument = &leak), &future), 0);
    assert_int_equal(lend_future_join(future, lend_within_ms(PATIENCE_MS)), 0);
    assert_int_equal(lend_future_error(future), 0);
    lend_future_drop(future);
    struct recorded_event event = events_first_of(&scene.events, LEND_EVENT_LEASE_LEFT);
    snprintf(words, sizeof words, "job %llu returned with it", (unsigned long long)leak.job);
    assert_ptr_equal(event.site, leak.site);
    assert_string_equal(event.text, words);
    assert_int_equal(stats_of(scene.pool).free, 2);
    assert_int_equal(lend_executor_close(executor, LEND_FOREVER), 0);
    scene_close(&scene);
}

/* What a longjmp past the release leaves behind in a thread that lives on cannot be taken back: the
 * thread may use it yet. But whoever waits for it is told the line. */
static void what_a_longjmp_left_behind_is_named_by_its_line(void **state) {
    (void)state;
    struct scene scene;
    static jmp_buf out;
    static struct lend_lease left;
    const struct lend_site *here = LEND_HERE;
    scene_open(&scene, .models = 1);
    if (setjmp(out) == 0) {
        left = lend_acquire_at(scene.pool, LEND_NOW, here);
        longjmp(out, 1);
    }
    struct lend_lease failed = lend_acquire(scene.pool, lend_within_ms(WAIT_MS));
    assert_int_equal(lend_lease_error(&failed), EDEADLK);
    assert_ptr_equal(lend_lease_report(&failed)->holders[0].site, here);
    assert_true(says_site(lend_lease_report(&failed), here));
    lend_release(&failed);
    lend_release(&left);
    scene_close(&scene);
}

static int let_go_of_it(void *argument) {
    struct leak *leak = argument;
    leak->tid = (uint32_t)syscall(SYS_gettid);
    leak->lease = lend_acquire_at(leak->pool, LEND_NOW, leak->site);
    return lend_lease_detach(&leak->lease);
}

/* a cycle over two pools */

struct crossing {
    lend_pool *first, *second;
    const struct lend_site *first_site, *second_site;
    struct tally *holding;
    uint32_t tid;
    struct lend_lease refused; /* with its report */
    struct test_thread thread;
};

static int cross(void *argument) {
    struct crossing *self = argument;
    self->tid = (uint32_t)syscall(SYS_gettid);
    struct lend_lease first = lend_acquire_at(self->first, LEND_FOREVER, self->first_site);
    tally_add(self->holding);
    tally_wait(self->holding, 2);
    struct lend_lease second = lend_acquire_at(self->second, LEND_FOREVER, self->second_site);
    if (!lend_lease_ok(&second))
        self->refused = lend_lease_take(&second);
    lend_release(&second);
    lend_release(&first);
    return 0;
}

/* The step of a ring in which this thread waits. */
static void check_step(const struct lend_step *step, const struct crossing *waits,
                       const struct crossing *holds, const char *awaits) {
    assert_int_equal(step->kind, LEND_OWNER_THREAD);
    assert_int_equal(step->tid, waits->tid);
    assert_string_equal(step->awaits, awaits);
    assert_ptr_equal(step->site, waits->second_site);
    assert_int_equal(step->holder_tid, holds->tid);
    assert_int_equal(step->slot, 0);
    assert_ptr_equal(step->held_site, holds->first_site);
}

static void each_step_of_a_cycle_is_shown_with_both_its_lines(void **state) {
    (void)state;
    struct scene a, b;
    struct tally holding;
    tally_init(&holding);
    scene_open(&a, .models = 1);
    scene_open(&b, .models = 1);
    struct crossing crossings[2] = {{.first = a.pool,
                                     .second = b.pool,
                                     .first_site = LEND_HERE,
                                     .second_site = LEND_HERE,
                                     .holding = &holding},
                                    {.first = b.pool,
                                     .second = a.pool,
                                     .first_site = LEND_HERE,
                                     .second_site = LEND_HERE,
                                     .holding = &holding}};
    for (int i = 0; i < 2; i++)
        thread_start(&crossings[i].thread, cross, &crossings[i]);
    for (int i = 0; i < 2; i++)
        assert_int_equal(thread_join(&crossings[i].thread), 0);

    struct crossing *refused = &crossings[lend_lease_report(&crossings[0].refused) == NULL];
    struct crossing *other = refused == crossings ? &crossings[1] : &crossings[0];
    const struct lend_report *report = lend_lease_report(&refused->refused);
    assert_int_equal(lend_lease_error(&other->refused), ESTALE); /* went on, and gave back */
    assert_int_equal(lend_lease_error(&refused->refused), EDEADLK);
    assert_int_equal(report->cause, LEND_CAUSE_DEADLOCK);
    assert_int_equal(report->step_count, 2);
    check_step(&report->steps[0], refused, other, "pool \"ocr\"");
    check_step(&report->steps[1], other, refused, "pool \"ocr\"");
    for (int i = 0; i < 2; i++) {
        assert_true(says_site(report, crossings[i].first_site));
        assert_true(says_site(report, crossings[i].second_site));
    }
    assert_true(says(report, lend_cause_words(LEND_CAUSE_DEADLOCK)));
    lend_release(&refused->refused);
    scene_close(&a);
    scene_close(&b);
    tally_deinit(&holding);
}

/* a loader that fails, and one that is stuck */

static void a_loader_that_fails_is_quoted(void **state) {
    (void)state;
    struct scene scene;
    scene_open(&scene, .models = 1);
    struct lend_lease lease = borrow_now(scene.pool);
    fakes_fail_next(&scene.fakes.load, 1, ENOENT, "no such file: eng.traineddata");
    lend_release_broken(&lease, "it reads everything as \"lll\"");
    struct lend_lease failed = lend_acquire(scene.pool, LEND_FOREVER);
    const struct lend_report *report = lend_lease_report(&failed);
    assert_int_equal(report->error, EIO);
    assert_int_equal(report->cause, LEND_CAUSE_LOADER);
    assert_int_equal(report->loader.error, ENOENT);
    assert_string_equal(report->loader.text, "no such file: eng.traineddata");
    assert_int_equal(report->free + report->lent, 0);
    assert_true(says(report, "the loader says: no such file: eng.traineddata"));
    assert_true(says(report, lend_cause_words(LEND_CAUSE_LOADER)));
    lend_release(&failed);

    struct recorded_event broken = events_first_of(&scene.events, LEND_EVENT_MODEL_BROKEN);
    assert_non_null(strstr(broken.site->file, "borrower.c")); /* where borrow_now borrows */
    assert_string_equal(broken.text, "it reads everything as \"lll\"");
    assert_true(eventually(events_count_of(&scene.events, LEND_EVENT_LOAD_FAILED) == 1));
    struct recorded_event told = events_first_of(&scene.events, LEND_EVENT_LOAD_FAILED);
    assert_int_equal(told.error, ENOENT);
    assert_int_equal(told.slot, 0);
    assert_string_equal(told.text, "no such file: eng.traineddata");
    assert_true(eventually(stats_of(scene.pool).free == 1));
    scene_close(&scene);
}

static void a_load_that_is_stuck_is_said_to_be_under_way(void **state) {
    (void)state;
    struct scene scene;
    struct gate loading;
    gate_init(&loading);
    scene_open(&scene, .models = 1);
    struct lend_lease lease = borrow_now(scene.pool);
    unsigned stuck = fakes_hold(&scene.fakes.load, &loading);
    lend_release_broken(&lease, NULL);
    assert_true(eventually(atomic_load(&scene.fakes.load.calls) >= stuck));
    struct lend_lease failed = lend_acquire(scene.pool, lend_within_ms(WAIT_MS));
    const struct lend_report *report = lend_lease_report(&failed);
    assert_int_equal(report->error, ETIMEDOUT);
    assert_int_equal(report->cause, LEND_CAUSE_LOADING);
    assert_int_equal(report->loading, 1);
    assert_int_equal(report->holder_count, 0);
    assert_true(says(report, "0 of 1 lent, 1 loading"));
    assert_true(says(report, lend_cause_words(LEND_CAUSE_LOADING)));
    lend_release(&failed);
    gate_open(&loading);
    assert_true(eventually(stats_of(scene.pool).free == 1));
    atomic_store(&scene.fakes.load.gate, NULL);
    scene_close(&scene);
    gate_deinit(&loading);
}

/* the rest */

static void a_suspended_pool_says_that_it_is(void **state) {
    (void)state;
    struct scene scene;
    struct holder holder;
    const struct lend_site *here = LEND_HERE;
    scene_open(&scene, .models = 2);
    holder_start(&holder, scene.pool, here);
    assert_int_equal(lend_pool_suspend(scene.pool), 0);
    struct lend_lease failed = lend_acquire(scene.pool, lend_within_ms(WAIT_MS));
    const struct lend_report *report = lend_lease_report(&failed);
    assert_int_equal(report->error, ETIMEDOUT);
    assert_int_equal(report->cause, LEND_CAUSE_SUSPENDED);
    assert_true(report->suspended);
    assert_int_equal(report->free, 1);
    assert_ptr_equal(report->holders[0].site, here);
    assert_true(says(report, lend_cause_words(LEND_CAUSE_SUSPENDED)));
    lend_release(&failed);
    assert_int_equal(lend_pool_resume(scene.pool), 0);
    holder_end(&holder);
    scene_close(&scene);
}

static void a_lease_that_was_detached_and_dropped_is_named_by_who_did_it(void **state) {
    (void)state;
    struct scene scene;
    char words[64];
    scene_open(&scene, .models = 1);
    struct leak leak = {.pool = scene.pool, .site = LEND_HERE};
    assert_int_equal(thread_run(let_go_of_it, &leak), 0);
    struct lend_lease failed = lend_acquire(scene.pool, lend_within_ms(WAIT_MS));
    const struct lend_report *report = lend_lease_report(&failed);
    assert_int_equal(report->error, ETIMEDOUT);
    assert_int_equal(report->holders[0].kind, LEND_OWNER_DETACHED);
    assert_int_equal(report->holders[0].id, leak.tid);
    assert_ptr_equal(report->holders[0].site, leak.site);
    snprintf(words, sizeof words, "nobody (detached by thread %u)", leak.tid);
    assert_true(says(report, words));
    assert_true(says_site(report, leak.site));
    lend_release(&failed);
    lend_release(&leak.lease);
    scene_close(&scene);
}

static void a_job_that_got_no_model_has_the_report_as_its_reason(void **state) {
    (void)state;
    struct scene scene;
    struct holder holder;
    char words[128];
    lend_executor *executor;
    lend_future *future;
    const struct lend_site *here = LEND_HERE;
    scene_open(&scene, .models = 1);
    holder_start(&holder, scene.pool, here);
    assert_int_equal(lend_executor_open(&executor, &LEND_EXECUTOR_OPTIONS(.pool = scene.pool)), 0);
    assert_int_equal(lend_submit(executor,
                                 &LEND_JOB(.run = plain_job_run, .deadline = lend_within_ms(1000)),
                                 &future),
                     0);
    assert_true(eventually(stats_of(scene.pool).waiting == 1));
    assert_int_equal(lend_future_join(future, lend_within_ms(PATIENCE_MS)), 0);
    assert_int_equal(lend_future_outcome(future), LEND_EXPIRED);
    assert_non_null(strstr(lend_future_reason(future), printed(here, &words)));
    snprintf(words, sizeof words, "1 of 1 lent: #0 thread %u for ", holder.tid);
    assert_non_null(strstr(lend_future_reason(future), words));
    lend_future_drop(future);
    assert_int_equal(lend_executor_close(executor, LEND_FOREVER), 0);
    holder_end(&holder);
    scene_close(&scene);
}

static void a_close_that_gives_up_names_who_it_waited_for(void **state) {
    (void)state;
    struct scene scene;
    struct holder holder;
    struct lend_report *report = NULL;
    const struct lend_site *here = LEND_HERE;
    scene_open(&scene, .models = 2);
    holder_start(&holder, scene.pool, here);
    assert_int_equal(lend_pool_close(scene.pool, lend_within_ms(WAIT_MS), &report), EBUSY);
    assert_int_equal(report->cause, LEND_CAUSE_LEASES);
    assert_int_equal(report->holder_count, 1);
    assert_int_equal(report->holders[0].tid, holder.tid);
    assert_ptr_equal(report->holders[0].site, here);
    assert_true(says_site(report, here));
    lend_report_free(report);
    holder_end(&holder);
    scene_close(&scene);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_holder_that_sleeps_is_named_with_its_line_and_its_time),
        cmocka_unit_test(the_sink_is_told_of_it_too_while_it_sleeps),
        cmocka_unit_test(a_leak_by_a_thread_that_ended_is_told_with_its_line),
        cmocka_unit_test(a_leak_by_a_job_that_returned_is_told_with_its_line),
        cmocka_unit_test(what_a_longjmp_left_behind_is_named_by_its_line),
        cmocka_unit_test(a_lease_that_was_detached_and_dropped_is_named_by_who_did_it),
        cmocka_unit_test(each_step_of_a_cycle_is_shown_with_both_its_lines),
        cmocka_unit_test(a_loader_that_fails_is_quoted),
        cmocka_unit_test(a_load_that_is_stuck_is_said_to_be_under_way),
        cmocka_unit_test(a_suspended_pool_says_that_it_is),
        cmocka_unit_test(a_job_that_got_no_model_has_the_report_as_its_reason),
        cmocka_unit_test(a_close_that_gives_up_names_who_it_waited_for),
    };
    return cmocka_run_group_tests_name("fault_to_cause", tests, NULL, NULL);
}
