/* SPDX-License-Identifier: MIT
 *
 * What a running job may ask and say. All but the stop word is its own thread's. */
#include "base/text.h"
#include "exec/state.h"

bool lend_job_must_stop(const lend_job *job) {
    return job != NULL && word_read(&task_of_job(job)->stop) != 0;
}

lend_deadline lend_job_deadline(const lend_job *job) {
    return job != NULL ? task_of_job(job)->deadline : LEND_NOW;
}

uint64_t lend_job_number(const lend_job *job) {
    return job != NULL ? task_of_job(job)->number : 0;
}

void lend_job_return(lend_job *job, void *value, lend_destroy *destroy) {
    void *unwanted = value;
    lend_destroy *destroy_unwanted = destroy;
    if (job != NULL) {
        unwanted = job->value;
        destroy_unwanted = job->destroy;
        job->value = value;
        job->destroy = destroy;
    }
    if (unwanted != NULL && destroy_unwanted != NULL)
        destroy_unwanted(unwanted);
}

int lend_job_explain(lend_job *job, int error, const char *format, ...) {
    if (job == NULL)
        return error;
    struct remarks *remarks = lend__task_remarks(task_of_job(job));
    if (remarks == NULL)
        return error;
    struct text text = text_into(remarks->words, sizeof remarks->words);
    va_list list;
    va_start(list, format);
    lend__text_add_list(&text, format, list);
    va_end(list);
    return error;
}

void lend_job_model_broken(lend_job *job, const char *why) {
    if (job == NULL)
        return;
    job->model_broken = true;
    struct remarks *remarks = why != NULL ? lend__task_remarks(task_of_job(job)) : NULL;
    if (remarks != NULL)
        lend__text_copy(remarks->broken_why, sizeof remarks->broken_why, why);
}
