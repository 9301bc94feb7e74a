/* SPDX-License-Identifier: MIT
 *
 * The list keeps order and length, and refuses what would break it. */
#include "base/list.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

struct item {
    int number;
    struct list_node node;
};

/* The list is exactly items[order[0]], items[order[1]], ... in both directions. */
static void check_order(const struct list *list, const struct item *items, const int *order,
                        uint32_t count) {
    assert_int_equal(list->length, count);
    const struct list_node *node = list->first, *before = NULL;
    for (uint32_t i = 0; i < count; i++) {
        assert_non_null(node);
        assert_ptr_equal(node, &items[order[i]].node);
        assert_ptr_equal(node->previous, before);
        assert_ptr_equal(node->list, list);
        before = node;
        node = node->next;
    }
    assert_null(node);
    assert_ptr_equal(list->last, before);
}

static void append_three(struct list *list, struct item (*items)[3]) {
    for (int i = 0; i < 3; i++) {
        (*items)[i] = (struct item){.number = i};
        list_append(list, &(*items)[i].node);
    }
}

static void a_zeroed_list_is_empty(void **state) {
    (void)state;
    struct list list = {0};
    check_order(&list, NULL, NULL, 0);
    assert_null(list_pop(&list));
    check_order(&list, NULL, NULL, 0);
}

static void what_is_appended_comes_out_in_order(void **state) {
    (void)state;
    struct list list = {0};
    struct item items[3];
    append_three(&list, &items);
    check_order(&list, items, (int[]){0, 1, 2}, 3);
    for (int i = 0; i < 3; i++) {
        struct list_node *node = list_pop(&list);
        assert_int_equal(list_entry(node, struct item, node)->number, i);
        assert_null(node->list);
        assert_null(node->next);
        assert_null(node->previous);
    }
    check_order(&list, items, NULL, 0);
}

static void anything_can_be_unlinked(void **state) {
    (void)state;
    const int rest[3][2] = {{1, 2}, {0, 2}, {0, 1}};
    for (int gone = 0; gone < 3; gone++) {
        struct list list = {0};
        struct item items[3];
        append_three(&list, &items);
        list_remove(&list, &items[gone].node);
        check_order(&list, items, rest[gone], 2);
        assert_null(items[gone].node.list);
    }
}

static void what_was_unlinked_can_be_listed_again(void **state) {
    (void)state;
    struct list list = {0}, other = {0};
    struct item items[3];
    append_three(&list, &items);
    list_remove(&list, &items[0].node);
    list_append(&list, &items[0].node);
    check_order(&list, items, (int[]){1, 2, 0}, 3);
    list_remove(&list, &items[2].node);
    list_append(&other, &items[2].node);
    check_order(&list, items, (int[]){1, 0}, 2);
    check_order(&other, items, (int[]){2}, 1);
}

static void the_last_one_leaves_an_empty_list(void **state) {
    (void)state;
    struct list list = {0};
    struct item items[1] = {{0}};
    list_append(&list, &items[0].node);
    list_remove(&list, &items[0].node);
    check_order(&list, items, NULL, 0);
    list_append(&list, &items[0].node);
    check_order(&list, items, (int[]){0}, 1);
}

/* In a child, whose last words must be `sentence` and whose end an abort. */
static void check_aborts(void (*crime)(void), const char *sentence) {
    int words[2];
    assert_int_equal(pipe(words), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        dup2(words[1], STDERR_FILENO);
        signal(SIGABRT, SIG_DFL);
        crime();
        _exit(0);
    }
    close(words[1]);
    char text[1024] = "";
    size_t length = 0;
    for (ssize_t n; (n = read(words[0], text + length, sizeof text - 1 - length)) > 0;)
        length += (size_t)n;
    close(words[0]);
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGABRT);
    assert_non_null(strstr(text, "lend: broken: "));
    assert_non_null(strstr(text, sentence));
}

static void append_twice(void) {
    struct list list = {0};
    struct list_node node = {0};
    list_append(&list, &node);
    list_append(&list, &node);
}

static void remove_from_another(void) {
    struct list list = {0}, other = {0};
    struct list_node node = {0};
    list_append(&list, &node);
    list_remove(&other, &node);
}

static void listing_twice_is_broken(void **state) {
    (void)state;
    check_aborts(append_twice, "listed what is in a list already");
}

static void unlinking_from_another_list_is_broken(void **state) {
    (void)state;
    check_aborts(remove_from_another, "removed from a list what is not in it");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_zeroed_list_is_empty),
        cmocka_unit_test(what_is_appended_comes_out_in_order),
        cmocka_unit_test(anything_can_be_unlinked),
        cmocka_unit_test(what_was_unlinked_can_be_listed_again),
        cmocka_unit_test(the_last_one_leaves_an_empty_list),
        cmocka_unit_test(listing_twice_is_broken),
        cmocka_unit_test(unlinking_from_another_list_is_broken),
    };
    return cmocka_run_group_tests_name("list", tests, NULL, NULL);
}
