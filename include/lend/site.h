/* SPDX-License-Identifier: MIT
 *
 * Sites: where in the caller's source something was borrowed.
 *
 * Every lease carries one, so that a report can say "lent 12 s ago at batch.c:88". The macros
 * lend_acquire, lend_with and lend_run add it by themselves; code that wraps them passes its own
 * caller's:
 *
 *     #define borrow_page(pool) borrow_page_at((pool), LEND_HERE)
 */
#ifndef LEND_SITE_H
#define LEND_SITE_H

#include <lend/base.h>

/* Lives as long as the program or plug-in that contains it: lend keeps the pointer. A plug-in
 * gives its leases back before it is unloaded. */
struct lend_site {
    const char *file;
    const char *function;
    int line;
};

/* The place where this is written, as `const struct lend_site *`. Inside functions only. */
#ifdef __cplusplus
#define LEND_HERE                                                                                  \
    ([](const char *lend_function_) -> const struct lend_site * {                                  \
        static const struct lend_site lend_here_ = {__FILE__, lend_function_, __LINE__};           \
        return &lend_here_;                                                                        \
    }(__func__))
#else
#define LEND_HERE                                                                                  \
    (__extension__({                                                                               \
        static const struct lend_site lend_here_ = {__FILE__, __func__, __LINE__};                 \
        &lend_here_;                                                                               \
    }))
#endif

#endif
