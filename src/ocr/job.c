/* SPDX-License-Identifier: MIT
 *
 * Reading as a job: the request with the job's deadline and cancellation in place of its own. */
#include "ocr/sized.h"

#include <lend/ocr.h>

static bool must_stop(void *job) {
    return lend_job_must_stop(job);
}

int lend_ocr_job(void *model, void *argument, lend_job *job) {
    struct lend_ocr_request request;
    struct lend_ocr_result *result = NULL;
    struct lend_reason reason = {0};
    int error =
        lend__sized_read(&request, sizeof request, argument, "struct lend_ocr_request", &reason);
    if (error == 0) {
        request.deadline = lend_job_deadline(job);
        request.must_stop = must_stop;
        request.must_stop_context = job;
        error = lend_ocr_recognise(model, &request, &result, &reason);
    }
    if (error == EIO)
        lend_job_model_broken(job, reason.text);
    if (error != 0)
        return lend_job_explain(job, error, "%s", reason.text);
    lend_job_return(job, result, lend_ocr_result_free);
    return 0;
}
