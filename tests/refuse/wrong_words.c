/* SPDX-License-Identifier: MIT
 *
 * Words for an error that do not fit their format. */
#include <lend/lend.h>

#ifdef MENDED
#define NAME "eng"
#else
#define NAME 3
#endif

int explain(struct lend_reason *reason, lend_job *job);

int explain(struct lend_reason *reason, lend_job *job) {
    if (job != NULL)
        return lend_job_explain(job, EIO, "no language %s", NAME); /* refused: format */
    return lend_reason_set(reason, EIO, "no language %s", NAME);   /* refused: format */
}
