/* SPDX-License-Identifier: MIT
 *
 * The end of a thread is seen by the destructor of one key. The first thread that needs it makes
 * it, and another may be as early. */
#include "sync/thread.h"

#include "pool/state.h"

#include <errno.h>
#include <lend/lease.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

/* The linker has calls of pthread_... come to __wrap_pthread_..., and has theirs go to the C
 * library. */
int __real_pthread_key_create(pthread_key_t *key, void (*destructor)(void *));
int __real_pthread_key_delete(pthread_key_t key);
int __real_pthread_setspecific(pthread_key_t key, const void *value);
int __wrap_pthread_key_create(pthread_key_t *key, void (*destructor)(void *));
int __wrap_pthread_key_delete(pthread_key_t key);
int __wrap_pthread_setspecific(pthread_key_t key, const void *value);

static struct word ends; /* how many threads' ends the hook has seen */
static unsigned made, deleted;
static bool somebody_is_faster;

static void hook(void) {
    word_next(&ends);
}

/* Another thread does all of it in between. */
int __wrap_pthread_key_create(pthread_key_t *key, void (*destructor)(void *)) {
    made++;
    if (somebody_is_faster) {
        somebody_is_faster = false;
        assert_int_equal(lend__thread_at_end(hook), 0);
    }
    return __real_pthread_key_create(key, destructor);
}

int __wrap_pthread_key_delete(pthread_key_t key) {
    deleted++;
    return __real_pthread_key_delete(key);
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

static void note_mask(void *mask) {
    pthread_sigmask(SIG_BLOCK, NULL, mask);
}

/* An engine may mean to trap; a program's signals are for its own threads. */
static void a_thread_of_lend_takes_no_signal_but_of_its_own_making(void **state) {
    (void)state;
    static const int own[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS};
    sigset_t mask;
    struct thread thread;
    assert_int_equal(lend__thread_start(&thread, "somebody", note_mask, &mask), 0);
    lend__thread_join(&thread);
    for (size_t i = 0; i < sizeof own / sizeof own[0]; i++) {
        assert_int_equal(sigismember(&mask, own[i]), 0);
        sigdelset(&mask, own[i]);
    }
    assert_int_equal(sigismember(&mask, SIGTERM), 1);
    assert_int_equal(sigismember(&mask, SIGCHLD), 1);
    assert_int_equal(sigismember(&mask, SIGPROF), 1);
}

#if defined(__SANITIZE_ADDRESS__)
#define IS_SANITIZED
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define IS_SANITIZED
#endif
#endif

#if !defined(IS_SANITIZED)
static unsigned told; /* how often a sanitizer would have been told */

/* In place of AddressSanitizer's. */
void __asan_handle_no_return(void);
void __asan_handle_no_return(void) {
    __atomic_add_fetch(&told, 1, __ATOMIC_RELAXED);
}
#endif

static void a_sanitizer_is_told_at_the_end_of_a_thread(void **state) {
    (void)state;
#if defined(IS_SANITIZED)
    skip(); /* it has one itself */
#else
    struct thread thread;
    told = 0;
    assert_int_equal(lend__thread_start(&thread, "somebody", be_somebody, NULL), 0);
    lend__thread_join(&thread);
    assert_true(told > 0);
#endif
}

static _Thread_local bool is_short_of_memory;

int __wrap_pthread_setspecific(pthread_key_t key, const void *value) {
    return is_short_of_memory ? ENOMEM : __real_pthread_setspecific(key, value);
}

struct adopter {
    struct slot slot;
    struct lend_pool pool;
    int error;
};

static void adopt(void *argument) {
    struct adopter *adopter = argument;
    struct lend_lease lease = {.model = adopter, .pool = &adopter->pool, .generation = 1};
    is_short_of_memory = true;
    adopter->error = lend_lease_adopt(&lease);
    is_short_of_memory = false;
}

static void a_thread_whose_end_would_not_be_seen_adopts_nothing(void **state) {
    (void)state;
    struct thread thread;
    struct adopter adopter = {.pool = {.slots = &adopter.slot, .slot_count = 1}};
    word_init(&adopter.slot.life, life_make(1, SLOT_LENT));
    word_init(&adopter.slot.told, 1);
    word_init(&adopter.slot.owner, owner_make(OWNER_DETACHED, 7, 1));
    adopter.pool.era = fork_era();
    assert_int_equal(lend__thread_start(&thread, "adopter", adopt, &adopter), 0);
    lend__thread_join(&thread);
    assert_int_equal(adopter.error, ENOMEM);
    assert_int_equal(owner_kind(word_peek(&adopter.slot.owner)), OWNER_DETACHED);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(of_two_who_make_the_key_at_once_one_throws_his_away),
        cmocka_unit_test(a_thread_of_lend_takes_no_signal_but_of_its_own_making),
        cmocka_unit_test(a_sanitizer_is_told_at_the_end_of_a_thread),
        cmocka_unit_test(a_thread_whose_end_would_not_be_seen_adopts_nothing),
    };
    return cmocka_run_group_tests_name("thread", tests, NULL, NULL);
}
