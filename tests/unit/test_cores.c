/* SPDX-License-Identifier: MIT
 *
 * The number of cores where the kernel does not tell it. */
#define _GNU_SOURCE
#include "base/cores.h"

#include <errno.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static int answer;   /* of sched_getaffinity: an error */
static size_t asked; /* the largest set that it was asked for */

/* In place of the C library's. */
int sched_getaffinity(pid_t pid, size_t size, cpu_set_t *set) {
    (void)pid, (void)set;
    asked = size > asked ? size : asked;
    errno = answer;
    return -1;
}

static void a_kernel_to_which_every_set_is_too_small_is_asked_a_few_times(void **state) {
    (void)state;
    answer = EINVAL;
    asked = 0;
    assert_in_range(lend__cores_usable(), 1, UINT32_MAX - 1);
    assert_int_equal(asked, (1 << 20) / 8);
}

static void one_that_says_nothing_is_asked_once(void **state) {
    (void)state;
    answer = EPERM;
    asked = 0;
    assert_in_range(lend__cores_usable(), 1, UINT32_MAX - 1);
    assert_int_equal(asked, 1024 / 8);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_kernel_to_which_every_set_is_too_small_is_asked_a_few_times),
        cmocka_unit_test(one_that_says_nothing_is_asked_once),
    };
    return cmocka_run_group_tests_name("cores", tests, NULL, NULL);
}
