/* SPDX-License-Identifier: MIT
 *
 * The thread that writes dumps: whatever becomes of its writes, it writes on or gives up this dump,
 * and is there for the next one. The linker has it call the write and the sem_init below. */
#include <errno.h>
#include <poll.h>
#include <semaphore.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include <lend/dump.h>

#include <cmocka.h>

enum { PIECE = 5, PATIENCE_MS = 30000 };

static atomic_int interruptions, failures;
static sem_t failed;

ssize_t __real_write(int descriptor, const void *data, size_t size);
ssize_t __wrap_write(int descriptor, const void *data, size_t size);

/* Interrupted or failing as often as the test says, and never more than a piece. */
ssize_t __wrap_write(int descriptor, const void *data, size_t size) {
    atomic_int *const left[] = {&interruptions, &failures};
    static const int errors[] = {EINTR, EIO};
    for (int i = 0; i < 2; i++)
        if (atomic_load(left[i]) > 0) {
            atomic_fetch_sub(left[i], 1);
            sem_post(&failed);
            errno = errors[i];
            return -1;
        }
    return __real_write(descriptor, data, size < PIECE ? size : PIECE);
}

static atomic_uint semaphores_made;

int __real_sem_init(sem_t *semaphore, int shared, unsigned value);
int __wrap_sem_init(sem_t *semaphore, int shared, unsigned value);

int __wrap_sem_init(sem_t *semaphore, int shared, unsigned value) {
    atomic_fetch_add(&semaphores_made, 1);
    return __real_sem_init(semaphore, shared, value);
}

static void assert_writes(int descriptor, const char *expected) {
    char words[256] = "";
    size_t length = 0;
    while (length < strlen(expected)) {
        struct pollfd ready = {.fd = descriptor, .events = POLLIN};
        assert_int_equal(poll(&ready, 1, PATIENCE_MS), 1);
        ssize_t count = read(descriptor, words + length, sizeof words - 1 - length);
        assert_true(count > 0);
        length += (size_t)count;
    }
    assert_string_equal(words, expected);
}

/* A signal handler that asked just before the stop may be about to raise it still. */
static void the_alert_is_made_once_for_all_starts(void **state) {
    (void)state;
    unsigned before = atomic_load(&semaphores_made);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(lend_dump_start(STDOUT_FILENO), 0);
        assert_int_equal(atomic_load(&semaphores_made), before + 1);
        lend_dump_stop();
    }
}

static void a_dump_is_whole_though_it_is_written_in_pieces_and_interrupted(void **state) {
    (void)state;
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(lend_dump_start(ends[1]), 0);
    atomic_store(&interruptions, 3);
    lend_dump_request();
    assert_writes(ends[0], "no pool is open\n");
    assert_int_equal(atomic_load(&interruptions), 0);
    lend_dump_stop();
    close(ends[0]);
    close(ends[1]);
}

static void a_dump_that_cannot_be_written_is_given_up_and_the_next_one_is_not(void **state) {
    (void)state;
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(lend_dump_start(ends[1]), 0);
    while (sem_trywait(&failed) == 0)
        ;
    atomic_store(&failures, 1);
    lend_dump_request();
    assert_int_equal(sem_wait(&failed), 0);
    lend_dump_request();
    assert_writes(ends[0], "no pool is open\n");
    lend_dump_stop();
    close(ends[0]);
    close(ends[1]);
}

int main(void) {
    sem_init(&failed, 0, 0);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_alert_is_made_once_for_all_starts),
        cmocka_unit_test(a_dump_is_whole_though_it_is_written_in_pieces_and_interrupted),
        cmocka_unit_test(a_dump_that_cannot_be_written_is_given_up_and_the_next_one_is_not),
    };
    return cmocka_run_group_tests_name("dump, inside", tests, NULL, NULL);
}
