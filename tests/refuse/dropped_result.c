/* SPDX-License-Identifier: MIT
 *
 * Results that say whether anything was done at all, dropped. Every LEND_NODISCARD function of the
 * public headers stands here, see check_refuse.sh. In brackets: the function, not its macro. */
#include <lend/lend.h>
#include <lend/ocr.h>

#ifdef MENDED
#define CALL(call) ((void)(0 == sizeof(call)))
#else
#define CALL(call) call
#endif

int function(void *model, void *argument);
void drop_all(lend_pool *pool, lend_executor *executor, lend_future *future);

void drop_all(lend_pool *pool, lend_executor *executor, lend_future *future) {
    struct lend_lease lease = {0};
    lend_completions *queue = NULL;
    CALL(lend_pool_open(&pool, NULL));                                  /* refused: result */
    CALL(lend_pool_close(pool, LEND_NOW, NULL));                        /* refused: result */
    CALL((lend_acquire)(pool, LEND_NOW));                               /* refused: result */
    CALL(lend_acquire_at(pool, LEND_NOW, LEND_HERE));                   /* refused: result */
    CALL(lend_lease_take(&lease));                                      /* refused: result */
    CALL(lend_lease_detach(&lease));                                    /* refused: result */
    CALL(lend_lease_adopt(&lease));                                     /* refused: result */
    CALL(lend_pool_reload(pool, LEND_NOW, NULL));                       /* refused: result */
    CALL(lend_pool_resize(pool, 1, LEND_NOW, NULL));                    /* refused: result */
    CALL((lend_run)(pool, LEND_NOW, function, NULL));                   /* refused: result */
    CALL(lend_run_at(pool, LEND_NOW, function, NULL, LEND_HERE));       /* refused: result */
    CALL(lend_pool_suspend(pool));                                      /* refused: result */
    CALL(lend_pool_resume(pool));                                       /* refused: result */
    CALL(lend_pool_stats_get(pool, NULL));                              /* refused: result */
    CALL(lend_pool_options_get(pool, NULL));                            /* refused: result */
    CALL(lend_executor_open(&executor, NULL));                          /* refused: result */
    CALL(lend_executor_stats_get(executor, NULL));                      /* refused: result */
    CALL(lend_executor_options_get(executor, NULL));                    /* refused: result */
    CALL(lend_executor_close(executor, LEND_NOW));                      /* refused: result */
    CALL((lend_submit)(executor, NULL, &future));                       /* refused: result */
    CALL(lend_submit_at(executor, NULL, &future, LEND_HERE));           /* refused: result */
    CALL(lend_future_wait(future, LEND_NOW));                           /* refused: result */
    CALL(lend_future_join(future, LEND_NOW));                           /* refused: result */
    CALL(lend_future_take(future));                                     /* refused: result */
    CALL(lend_future_wait_any(&future, 1, LEND_NOW, NULL));             /* refused: result */
    CALL(lend_future_wait_all(&future, 1, LEND_NOW));                   /* refused: result */
    CALL(lend_future_then(future, queue, NULL, NULL));                  /* refused: result */
    CALL(lend_completions_open(&queue));                                /* refused: result */
    CALL(lend_completions_close(queue));                                /* refused: result */
    CALL((lend_acquire_later)(pool, LEND_NOW, NULL, NULL));             /* refused: result */
    CALL(lend_acquire_later_at(pool, LEND_NOW, NULL, NULL, LEND_HERE)); /* refused: result */
    CALL(lend_dump_start(2));                                           /* refused: result */
    CALL(lend_ocr_admit(NULL, 0, NULL, NULL, NULL));                    /* refused: result */
    CALL(lend_ocr_recognise(lease.model, NULL, NULL, NULL));            /* refused: result */
    CALL(lend_ocr_print_begin(NULL));                                   /* refused: result */
    CALL(lend_ocr_print(NULL, NULL, NULL));                             /* refused: result */
    CALL(lend_ocr_print_failure(NULL, NULL, NULL));                     /* refused: result */
    CALL(lend_ocr_print_end(NULL));                                     /* refused: result */
}
