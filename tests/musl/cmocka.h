/* SPDX-License-Identifier: MIT
 *
 * What the tests use of cmocka's interface, for builds against a libc for which Debian has no
 * cmocka: musl. A test that fails jumps back to the runner; the results are told as cmocka tells
 * them. Include <setjmp.h> first, as for cmocka. */
#ifndef LEND_TESTS_MUSL_CMOCKA_H
#define LEND_TESTS_MUSL_CMOCKA_H

#include <stdint.h>
#include <stdio.h>
#include <string.h>

typedef void (*CMUnitTestFunction)(void **state);
typedef int (*CMFixtureFunction)(void **state);

struct CMUnitTest {
    const char *name;
    CMUnitTestFunction test_func;
    CMFixtureFunction setup_func, teardown_func;
};

#define cmocka_unit_test(f)                                                                        \
    { #f, f, NULL, NULL }
#define cmocka_unit_test_teardown(f, teardown)                                                     \
    { #f, f, NULL, teardown }
#define cmocka_unit_test_setup_teardown(f, setup, teardown)                                        \
    { #f, f, setup, teardown }

/* One for the program, however many files include this: where to go, and with what. */
enum cmocka_outcome { CMOCKA_OK, CMOCKA_FAILED, CMOCKA_SKIPPED };
__attribute__((__weak__)) jmp_buf cmocka_runner;

__attribute__((__unused__, __noreturn__)) static void cmocka_leave(enum cmocka_outcome outcome) {
    longjmp(cmocka_runner, (int)outcome);
}

#define skip() cmocka_leave(CMOCKA_SKIPPED)
#define print_message(...) printf(__VA_ARGS__)
#define fail_msg(...)                                                                              \
    (fprintf(stderr, __VA_ARGS__),                                                                 \
     fprintf(stderr, "\n%s:%d: error: Failure!\n", __FILE__, __LINE__),                            \
     cmocka_leave(CMOCKA_FAILED))

#define cmocka_expect(condition, ...) ((condition) ? (void)0 : fail_msg(__VA_ARGS__))
#define cmocka_int(x) ((unsigned long long)(x))

#define assert_true(x) cmocka_expect((x), "%s is not true", #x)
#define assert_false(x) cmocka_expect(!(x), "%s is not false", #x)
#define assert_null(x) cmocka_expect((x) == NULL, "%s is not NULL", #x)
#define assert_non_null(x) cmocka_expect((x) != NULL, "%s is NULL", #x)
#define assert_ptr_equal(x, y)                                                                     \
    cmocka_expect((const void *)(x) == (const void *)(y), "%s is not %s", #x, #y)
#define assert_ptr_not_equal(x, y)                                                                 \
    cmocka_expect((const void *)(x) != (const void *)(y), "%s is %s", #x, #y)

/* Operands once: some have effects. */
__attribute__((__unused__)) static int cmocka_equal(unsigned long long x, unsigned long long y,
                                                    const char *words) {
    if (x != y)
        fprintf(stderr, "%s: %#llx, %#llx\n", words, x, y);
    return x == y;
}
#define assert_int_equal(x, y)                                                                     \
    cmocka_expect(cmocka_equal(cmocka_int(x), cmocka_int(y), #x ", " #y), "not equal")
#define assert_int_not_equal(x, y)                                                                 \
    cmocka_expect(cmocka_int(x) != cmocka_int(y), "%s equals %s", #x, #y)
#define assert_in_range(x, least, most)                                                            \
    cmocka_expect(cmocka_int(x) - cmocka_int(least) <= cmocka_int(most) - cmocka_int(least),       \
                  "%s is not in %s to %s", #x, #least, #most)

__attribute__((__unused__)) static int cmocka_same(const char *x, const char *y) {
    int same = strcmp(x, y) == 0;
    if (!same)
        fprintf(stderr, "\"%s\"\n\"%s\"\n", x, y);
    return same;
}
#define assert_string_equal(x, y) cmocka_expect(cmocka_same((x), (y)), "%s is not %s", #x, #y)
#define assert_string_not_equal(x, y) cmocka_expect(strcmp((x), (y)) != 0, "%s is %s", #x, #y)
#define assert_memory_equal(x, y, size)                                                            \
    cmocka_expect(memcmp((x), (y), (size)) == 0, "%s is not %s", #x, #y)

__attribute__((__unused__)) static int cmocka_run(const struct CMUnitTest *test, void **state) {
    printf("[ RUN      ] %s\n", test->name);
    int outcome = setjmp(cmocka_runner);
    if (outcome == 0) {
        if (test->setup_func != NULL && test->setup_func(state) != 0)
            cmocka_leave(CMOCKA_FAILED);
        test->test_func(state);
    }
    if (test->teardown_func != NULL && test->teardown_func(state) != 0)
        outcome = CMOCKA_FAILED;
    static const char *const words[] = {"[       OK ]", "[  FAILED  ]", "[  SKIPPED ]"};
    printf("%s %s\n", words[outcome], test->name);
    return outcome;
}

__attribute__((__unused__)) static int cmocka_run_all(const char *name,
                                                      const struct CMUnitTest *tests, size_t count,
                                                      CMFixtureFunction setup,
                                                      CMFixtureFunction teardown) {
    void *state = NULL;
    int failed = 0;
    setvbuf(stdout, NULL, _IOLBF, 0);
    printf("[==========] %s: %zu test(s)\n", name, count);
    if (setup != NULL && setup(&state) != 0)
        return 1;
    for (size_t i = 0; i < count; i++)
        failed += cmocka_run(&tests[i], &state) == CMOCKA_FAILED;
    if (teardown != NULL && teardown(&state) != 0)
        failed++;
    printf("[==========] %d failed\n", failed);
    return failed;
}
#define cmocka_run_group_tests_name(name, tests, setup, teardown)                                  \
    cmocka_run_all((name), (tests), sizeof(tests) / sizeof(tests)[0], (setup), (teardown))

#endif
