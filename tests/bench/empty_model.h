/* SPDX-License-Identifier: MIT
 *
 * A model in which there is nothing: what is measured is the lending. */
#ifndef LEND_BENCH_EMPTY_MODEL_H
#define LEND_BENCH_EMPTY_MODEL_H

#include <lend/job.h>
#include <lend/model.h>

extern const struct lend_model_ops empty_model_ops;

/* A job that does nothing with it. */
lend_job_function empty_job;

#endif
