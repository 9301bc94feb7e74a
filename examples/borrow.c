/* SPDX-License-Identifier: MIT
 *
 * The smallest whole program: a home-made model, a pool of two, three threads that borrow.
 *
 *     cc borrow.c $(pkg-config --cflags --libs lend)
 */
#include <lend/lend.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const words[] = {"borrow", "deadline", "lease", "model", "pool"};

/* The model: it finds the word nearest to what was typed. It computes in memory of its own, so two
 * threads must not have it at once. */
struct speller {
    int row[32]; /* of the table of edit distances */
};

static int load(void **ret_model, void *context, struct lend_reason *reason) {
    (void)context;
    *ret_model = calloc(1, sizeof(struct speller));
    return *ret_model != NULL ? 0 : lend_reason_set(reason, ENOMEM, "no memory for a speller");
}

static void unload(void *model, void *context) {
    (void)context;
    free(model);
}

static const struct lend_model_ops speller_ops = LEND_MODEL_OPS(.load = load, .unload = unload);

static int least(int a, int b, int c) {
    int ab = a < b ? a : b;
    return ab < c ? ab : c;
}

/* How many letters have to be put in, left out or changed (Levenshtein's distance). */
static int distance(struct speller *speller, const char *typed, const char *word) {
    int *row = speller->row, length = (int)strlen(word);
    for (int j = 0; j <= length; j++)
        row[j] = j;
    for (int i = 1; typed[i - 1] != '\0'; i++) {
        int diagonal = row[0];
        row[0] = i;
        for (int j = 1; j <= length; j++) {
            int above = row[j];
            row[j] = least(above + 1, row[j - 1] + 1, diagonal + (typed[i - 1] != word[j - 1]));
            diagonal = above;
        }
    }
    return row[length];
}

static const char *nearest(struct speller *speller, const char *typed) {
    const char *best = words[0];
    for (size_t i = 1; i < sizeof words / sizeof *words; i++)
        if (distance(speller, typed, words[i]) < distance(speller, typed, best))
            best = words[i];
    return best;
}

/* One: borrow for a block. On every way out of it, return and goto too, the model goes back. */
static int correct_in_a_block(lend_pool *pool, const char *typed, const char **ret_word) {
    int error = 0;
    lend_with (speller, pool, lend_within_ms(500)) {
        *ret_word = nearest(speller.model, typed);
    } lend_else {
        char line[512];
        lend_lease_print(&speller, line, sizeof line);
        fprintf(stderr, "%s\n", line);
        error = lend_lease_error(&speller);
    } lend_end
    return error;
}

/* Two: borrow for the rest of a function. */
static int correct_in_a_function(lend_pool *pool, const char *typed, const char **ret_word) {
    lend_scoped_lease speller = lend_acquire(pool, lend_within_ms(500));
    if (!lend_lease_ok(&speller))
        return lend_lease_error(&speller);
    *ret_word = nearest(speller.model, typed);
    return 0;
}

/* Three: borrow for a call. */
struct request {
    const char *typed, *word;
};

static int correct_request(void *model, void *argument) {
    struct request *request = argument;
    request->word = nearest(model, request->typed);
    return 0;
}

static int correct_in_a_call(lend_pool *pool, const char *typed, const char **ret_word) {
    struct request request = {.typed = typed};
    int error = lend_run(pool, lend_within_ms(500), correct_request, &request);
    if (error == 0)
        *ret_word = request.word;
    return error;
}

/* A thread for each way: three of them, on two models. */
struct writer {
    int (*correct)(lend_pool *pool, const char *typed, const char **ret_word);
    const char *typed;
    lend_pool *pool;
    const char *word;
    int error;
    pthread_t thread;
};

static void *write_one(void *argument) {
    struct writer *writer = argument;
    writer->error = writer->correct(writer->pool, writer->typed, &writer->word);
    return NULL;
}

int main(void) {
    lend_pool *pool = NULL;
    struct lend_reason reason = {0};
    int error = lend_pool_open(&pool, &LEND_POOL_OPTIONS(.name = "spelling", .ops = &speller_ops,
                                                         .models = 2, .reason = &reason));
    if (error != 0) {
        fprintf(stderr, "no pool: %s\n", reason.text);
        return 1;
    }
    struct writer writers[] = {
        {.correct = correct_in_a_block, .typed = "borow"},
        {.correct = correct_in_a_function, .typed = "dedline"},
        {.correct = correct_in_a_call, .typed = "leese"},
    };
    size_t count = sizeof writers / sizeof *writers, started = 0;
    for (; started < count; started++) {
        writers[started].pool = pool;
        if (pthread_create(&writers[started].thread, NULL, write_one, &writers[started]) != 0)
            break;
    }
    for (size_t i = 0; i < started; i++) {
        pthread_join(writers[i].thread, NULL);
        printf("%s: %s\n", writers[i].typed,
               writers[i].error == 0 ? writers[i].word : lend_strerror(writers[i].error));
    }
    return lend_pool_close(pool, lend_within_ms(5000), NULL) == 0 && started == count ? 0 : 1;
}
