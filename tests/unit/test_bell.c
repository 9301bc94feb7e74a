/* SPDX-License-Identifier: MIT
 *
 * Why there is no bell: memory, or descriptors whatever else the kernel says. */
#include "sync/bell.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static int answer; /* of eventfd: an error */

/* The linker has the core's calls come here. */
int __wrap_eventfd(unsigned count, int flags);
int __wrap_eventfd(unsigned count, int flags) {
    (void)count, (void)flags;
    errno = answer;
    return -1;
}

static void check_error(int kernels, int ours) {
    struct bell bell;
    answer = kernels;
    errno = EDOM;
    assert_int_equal(lend__bell_init(&bell), ours);
    assert_int_equal(errno, EDOM);
}

static void a_lack_of_memory_is_told_from_a_lack_of_descriptors(void **state) {
    (void)state;
    check_error(ENOMEM, ENOMEM);
    check_error(EMFILE, EMFILE);
    check_error(ENFILE, EMFILE);
    check_error(ENODEV, EMFILE);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_lack_of_memory_is_told_from_a_lack_of_descriptors),
    };
    return cmocka_run_group_tests_name("bell", tests, NULL, NULL);
}
