/* SPDX-License-Identifier: MIT
 *
 * Limits of control groups, read from folders that look like /proc and /sys of other machines. */
#define _GNU_SOURCE
#include "base/cgroup.h"

#include "base/room.h"

#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define MIB (UINT64_C(1) << 20)

/* A machine: a folder, where the test runs, in which files are made together with the folders they
 * are in. */
static char root[64];

static int make_root(void **state) {
    (void)state;
    snprintf(root, sizeof root, "machine-%d", (int)getpid());
    return mkdir(root, 0700);
}

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *where) {
    (void)status, (void)kind, (void)where;
    return remove(path);
}

static int remove_root(void **state) {
    (void)state;
    return nftw(root, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static void put(const char *name, const char *content) {
    char path[512];
    snprintf(path, sizeof path, "%s%s", root, name);
    for (char *slash = strchr(path + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        mkdir(path, 0700);
        *slash = '/';
    }
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(content, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static uint32_t cores(void) {
    return lend__cgroup_cores(root);
}

static uint64_t memory(void) {
    return lend__cgroup_memory_left(root);
}

static void without_any_file_there_is_no_limit(void **state) {
    (void)state;
    assert_int_equal(cores(), UINT32_MAX);
    assert_true(memory() == UINT64_MAX);
    assert_true(lend__room_left(root) == UINT64_MAX);
    assert_int_equal(lend__room_taken(root), 0);
}

/* version 2 */

static void a_quota_of_version_2_is_rounded_up(void **state) {
    (void)state;
    put("/proc/self/cgroup", "0::/app\n");
    put("/sys/fs/cgroup/app/cpu.max", "150000 100000\n");
    assert_int_equal(cores(), 2);
    put("/sys/fs/cgroup/app/cpu.max", "200000 100000\n");
    assert_int_equal(cores(), 2);
    put("/sys/fs/cgroup/app/cpu.max", "1000 100000\n");
    assert_int_equal(cores(), 1);
    put("/sys/fs/cgroup/app/cpu.max", "max 100000\n");
    assert_int_equal(cores(), UINT32_MAX);
}

static void the_tightest_group_on_the_way_up_counts(void **state) {
    (void)state;
    put("/proc/self/cgroup", "0::/a/b/c\n");
    put("/sys/fs/cgroup/a/b/c/cpu.max", "800000 100000\n");
    put("/sys/fs/cgroup/a/b/cpu.max", "max 100000\n");
    put("/sys/fs/cgroup/a/cpu.max", "300000 100000\n");
    assert_int_equal(cores(), 3);
    put("/sys/fs/cgroup/a/b/c/memory.max", "1073741824\n");
    put("/sys/fs/cgroup/a/b/c/memory.current", "104857600\n");
    put("/sys/fs/cgroup/a/memory.max", "536870912\n");
    put("/sys/fs/cgroup/a/memory.current", "209715200\n");
    assert_true(memory() == 312 * MIB);
}

static void the_high_mark_counts_like_the_limit(void **state) {
    (void)state;
    put("/proc/self/cgroup", "0::/app\n");
    put("/sys/fs/cgroup/app/memory.current", "104857600\n");
    put("/sys/fs/cgroup/app/memory.max", "max\n");
    put("/sys/fs/cgroup/app/memory.high", "314572800\n");
    assert_true(memory() == 200 * MIB);
    put("/sys/fs/cgroup/app/memory.max", "209715200\n");
    assert_true(memory() == 100 * MIB);
    put("/sys/fs/cgroup/app/memory.high", "max\n");
    assert_true(memory() == 100 * MIB);
}

static void what_the_page_cache_can_give_back_is_left(void **state) {
    (void)state;
    put("/proc/self/cgroup", "0::/app\n");
    put("/sys/fs/cgroup/app/memory.max", "209715200\n");
    put("/sys/fs/cgroup/app/memory.current", "209715200\n");
    assert_int_equal(memory(), 0);
    put("/sys/fs/cgroup/app/memory.stat", "anon 1\nactive_file 7\ninactive_file 52428800\n");
    assert_true(memory() == 50 * MIB);
    put("/sys/fs/cgroup/app/memory.stat", "inactive_file 999999999999\n"); /* read later */
    assert_true(memory() == 200 * MIB);
}

static void a_group_that_is_over_its_limit_has_nothing_left(void **state) {
    (void)state;
    put("/proc/self/cgroup", "0::/\n");
    put("/sys/fs/cgroup/memory.max", "104857600\n");
    put("/sys/fs/cgroup/memory.current", "209715200\n");
    assert_int_equal(memory(), 0);
}

/* As in a container that sees the host's path, and at the mount its own group. */
static void where_the_path_is_not_in_sight_the_root_counts(void **state) {
    (void)state;
    put("/proc/self/cgroup", "0::/docker/4711/inner\n");
    put("/sys/fs/cgroup/cpu.max", "400000 100000\n");
    put("/sys/fs/cgroup/memory.max", "209715200\n");
    put("/sys/fs/cgroup/memory.current", "104857600\n");
    assert_int_equal(cores(), 4);
    assert_true(memory() == 100 * MIB);
}

/* version 1, and both */

static void quota_and_period_of_version_1_are_two_files(void **state) {
    (void)state;
    put("/proc/self/cgroup", "4:memory:/box\n3:cpuset:/\n2:cpu,cpuacct:/box\n1:name=systemd:/\n");
    put("/sys/fs/cgroup/cpu/box/cpu.cfs_quota_us", "250000\n");
    put("/sys/fs/cgroup/cpu/box/cpu.cfs_period_us", "100000\n");
    assert_int_equal(cores(), 3);
    put("/sys/fs/cgroup/cpu/box/cpu.cfs_quota_us", "-1\n");
    assert_int_equal(cores(), UINT32_MAX);
    put("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "100000\n"); /* of the group above */
    put("/sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n");
    assert_int_equal(cores(), 1);
}

static void a_controller_is_known_by_its_whole_name(void **state) {
    (void)state;
    put("/proc/self/cgroup", "3:cpuset:/wrong\n2:cpuacct,cpu:/right\n");
    put("/sys/fs/cgroup/cpu/wrong/cpu.cfs_quota_us", "100000\n");
    put("/sys/fs/cgroup/cpu/wrong/cpu.cfs_period_us", "100000\n");
    put("/sys/fs/cgroup/cpu/right/cpu.cfs_quota_us", "700000\n");
    put("/sys/fs/cgroup/cpu/right/cpu.cfs_period_us", "100000\n");
    assert_int_equal(cores(), 7);
}

static void the_limit_of_version_1_is_read_and_its_largest_is_none(void **state) {
    (void)state;
    put("/proc/self/cgroup", "4:memory:/box\n");
    put("/sys/fs/cgroup/memory/box/memory.limit_in_bytes", "9223372036854771712\n");
    put("/sys/fs/cgroup/memory/box/memory.usage_in_bytes", "1048576\n");
    assert_true(memory() == UINT64_MAX);
    put("/sys/fs/cgroup/memory/memory.limit_in_bytes", "104857600\n");
    put("/sys/fs/cgroup/memory/memory.usage_in_bytes", "52428800\n");
    put("/sys/fs/cgroup/memory/memory.stat", "inactive_file 1\ntotal_inactive_file 10485760\n");
    assert_true(memory() == 60 * MIB);
}

static void side_by_side_the_tighter_one_counts(void **state) {
    (void)state;
    put("/proc/self/cgroup", "2:cpu:/one\n0::/two\n");
    put("/sys/fs/cgroup/cpu/one/cpu.cfs_quota_us", "600000\n");
    put("/sys/fs/cgroup/cpu/one/cpu.cfs_period_us", "100000\n");
    put("/sys/fs/cgroup/unified/two/cpu.max", "500000 100000\n");
    assert_int_equal(cores(), 5);
}

/* what is not as it should be */

static void garbage_does_not_limit(void **state) {
    (void)state;
    static const char *const garbage[] = {"",        "\n",         "many cores\n",
                                          "0 0\n",   "100000 0\n", "100000",
                                          "-1 -1\n", "\xff\xfe\n", "max max\n"};
    put("/proc/self/cgroup", "0::/app\n");
    for (size_t i = 0; i < sizeof garbage / sizeof garbage[0]; i++) {
        put("/sys/fs/cgroup/app/cpu.max", garbage[i]);
        assert_int_equal(cores(), UINT32_MAX);
    }
    put("/sys/fs/cgroup/app/memory.current", "a lot\n");
    put("/sys/fs/cgroup/app/memory.max", "1\n");
    assert_true(memory() == UINT64_MAX);
    put("/sys/fs/cgroup/app/memory.current", "1\n");
    put("/sys/fs/cgroup/app/memory.max", "-5\n");
    assert_true(memory() == UINT64_MAX);
}

static void a_list_of_groups_that_makes_no_sense_leads_to_the_root(void **state) {
    (void)state;
    static const char *const lists[] = {
        "", "\n", "0", "0:", "::", "0::", "0:\n:/app\n", "x\n0::/app"};
    put("/sys/fs/cgroup/cpu.max", "200000 100000\n");
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
        put("/proc/self/cgroup", lists[i]);
        assert_int_equal(cores(), 2);
    }
}

static void a_path_that_is_too_long_is_not_followed(void **state) {
    (void)state;
    static char line[6000];
    memset(line, '/', sizeof line - 1);
    memcpy(line, "0::", 3);
    put("/proc/self/cgroup", line);
    put("/sys/fs/cgroup/cpu.max", "200000 100000\n");
    assert_int_equal(cores(), 2);
}

/* main memory */

static void the_smaller_of_machine_and_group_is_left(void **state) {
    (void)state;
    put("/proc/meminfo", "MemTotal:  9000000 kB\nMemFree: 10 kB\nMemAvailable:     2048 kB\n");
    assert_true(lend__room_left(root) == 2 * MIB);
    put("/proc/self/cgroup", "0::/app\n");
    put("/sys/fs/cgroup/app/memory.max", "1048576\n");
    put("/sys/fs/cgroup/app/memory.current", "0\n");
    assert_true(lend__room_left(root) == MIB);
}

static void only_what_is_not_shared_is_taken(void **state) {
    (void)state;
    put("/proc/self/statm", "5000 300 100 7 0 60 0\n");
    assert_int_equal(lend__room_taken(root), 200 * sysconf(_SC_PAGESIZE));
    put("/proc/self/statm", "5000 100 300\n");
    assert_int_equal(lend__room_taken(root), 0);
    put("/proc/self/statm", "none\n");
    assert_int_equal(lend__room_taken(root), 0);
}

static void of_this_machine_there_is_something_to_say(void **state) {
    (void)state;
    assert_true(lend__room_left("") > 0);
    assert_true(lend__room_taken("") > 0);
    assert_true(lend__cgroup_cores("") > 0);
}

#define test_on_machine(test) cmocka_unit_test_setup_teardown(test, make_root, remove_root)

static void a_controller_with_a_name_as_long_is_another_one(void **state) {
    (void)state;
    put("/proc/self/cgroup", "3:pid:/wrong\n2:cpu:/right\n");
    put("/sys/fs/cgroup/cpu/wrong/cpu.cfs_quota_us", "100000\n");
    put("/sys/fs/cgroup/cpu/wrong/cpu.cfs_period_us", "100000\n");
    put("/sys/fs/cgroup/cpu/right/cpu.cfs_quota_us", "700000\n");
    put("/sys/fs/cgroup/cpu/right/cpu.cfs_period_us", "100000\n");
    assert_int_equal(cores(), 7);
}

static void a_use_below_zero_does_not_limit(void **state) {
    (void)state;
    put("/proc/self/cgroup", "0::/app\n");
    put("/sys/fs/cgroup/app/memory.max", "104857600\n");
    put("/sys/fs/cgroup/app/memory.current", "-4096\n");
    assert_true(memory() == UINT64_MAX);
}

static void more_memory_than_can_be_counted_does_not_limit(void **state) {
    (void)state;
    put("/proc/meminfo", "MemAvailable: 18446744073709551615 kB\n");
    assert_true(lend__room_left(root) == UINT64_MAX);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        test_on_machine(without_any_file_there_is_no_limit),
        test_on_machine(a_quota_of_version_2_is_rounded_up),
        test_on_machine(the_tightest_group_on_the_way_up_counts),
        test_on_machine(the_high_mark_counts_like_the_limit),
        test_on_machine(what_the_page_cache_can_give_back_is_left),
        test_on_machine(a_group_that_is_over_its_limit_has_nothing_left),
        test_on_machine(where_the_path_is_not_in_sight_the_root_counts),
        test_on_machine(quota_and_period_of_version_1_are_two_files),
        test_on_machine(a_controller_is_known_by_its_whole_name),
        test_on_machine(the_limit_of_version_1_is_read_and_its_largest_is_none),
        test_on_machine(side_by_side_the_tighter_one_counts),
        test_on_machine(garbage_does_not_limit),
        test_on_machine(a_list_of_groups_that_makes_no_sense_leads_to_the_root),
        test_on_machine(a_path_that_is_too_long_is_not_followed),
        test_on_machine(the_smaller_of_machine_and_group_is_left),
        test_on_machine(only_what_is_not_shared_is_taken),
        cmocka_unit_test(of_this_machine_there_is_something_to_say),
        test_on_machine(a_controller_with_a_name_as_long_is_another_one),
        test_on_machine(a_use_below_zero_does_not_limit),
        test_on_machine(more_memory_than_can_be_counted_does_not_limit),
    };
    return cmocka_run_group_tests_name("cgroup", tests, NULL, NULL);
}
