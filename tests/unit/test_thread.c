/* SPDX-License-Identifier: MIT
 *
 * The end of a thread is seen by the destructor of one key. The first thread that needs it makes
 * it, and another may be as early. */
#define _GNU_SOURCE
#include "sync/thread.h"

#include "sync/word.h"

#include <dlfcn.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

typedef int key_create(pthread_key_t *key, void (*destructor)(void *));
typedef int key_delete(pthread_key_t key);

static struct word ends; /* how many threads' ends the hook has seen */
static unsigned made, deleted;
static bool somebody_is_faster;

static void hook(void) {
    word_tally(&ends);
}

/* In place of the C library's: another thread does all of it in between. */
int pthread_key_create(pthread_key_t *key, void (*destructor)(void *)) {
    made++;
    if (somebody_is_faster) {
        somebody_is_faster = false;
        assert_int_equal(lend__thread_at_end(hook), 0);
    }
    key_create *create;
    *(void **)&create = dlsym(RTLD_NEXT, "pthread_key_create");
    return create(key, destructor);
}

int pthread_key_delete(pthread_key_t key) {
    deleted++;
    key_delete *delete;
    *(void **)&delete = dlsym(RTLD_NEXT, "pthread_key_delete");
    return delete (key);
}

static void be_somebody(void *nothing) {
    (void)nothing;
    lend__thread_identify();
}

static void of_two_who_make_the_key_at_once_one_throws_his_away(void **state) {
    (void)state;
    struct thread thread;
    made = deleted = 0;
    somebody_is_faster = true;
    assert_int_equal(lend__thread_at_end(hook), 0);
    assert_int_equal(made, 2);
    assert_int_equal(deleted, 1);
    assert_int_equal(lend__thread_at_end(hook), 0);
    assert_int_equal(made, 2);
    assert_int_equal(lend__thread_start(&thread, "somebody", be_somebody, NULL), 0);
    lend__thread_join(&thread);
    assert_int_equal(word_read(&ends), 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(of_two_who_make_the_key_at_once_one_throws_his_away),
    };
    return cmocka_run_group_tests_name("thread", tests, NULL, NULL);
}
