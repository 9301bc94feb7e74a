/* SPDX-License-Identifier: MIT
 *
 * lend: a bounded pool of preloaded models, lent to one borrower at a time.
 *
 *     A borrowed model always comes back. A wait always ends. A failure always has a name.
 *
 * The tour, in the order in which a program meets the headers:
 *
 *   model.h      Say how one model is loaded and unloaded.
 *   pool.h       Open a pool: it loads so many of them, and keeps that many alive.
 *   scope.h      Borrow one for a block, a function or a call. It goes back on every way out.
 *   lease.h      What a borrow yields: a model, or an error with a report.
 *   report.h     Who holds what, since when, borrowed where.
 *   executor.h   Or do not borrow at all: hand jobs to threads that borrow for them.
 *   job.h        What a job gets and may say while it runs.
 *   future.h     What became of it.
 *
 *   completions.h  How an event loop is told, without ever waiting.
 *   request.h      Acquire without waiting: the answer comes there.
 *
 *   deadline.h   How long anything may take.       error.h     What every number means.
 *   site.h       Where it was asked for.           event.h     What has no caller to take it.
 *   histogram.h  How long things took.             thread.h    Which threads must not wait.
 *   dump.h       All that stands still, and why.   base.h      Version, attributes.
 *
 * OCR is a library of its own on top: <lend/ocr.h>, -llend-ocr.
 *
 * examples/borrow.c is the smallest whole program. */
#ifndef LEND_LEND_H
#define LEND_LEND_H

#include <lend/base.h>
#include <lend/completions.h>
#include <lend/deadline.h>
#include <lend/dump.h>
#include <lend/error.h>
#include <lend/event.h>
#include <lend/executor.h>
#include <lend/future.h>
#include <lend/histogram.h>
#include <lend/job.h>
#include <lend/lease.h>
#include <lend/model.h>
#include <lend/pool.h>
#include <lend/report.h>
#include <lend/request.h>
#include <lend/scope.h>
#include <lend/site.h>
#include <lend/thread.h>

#endif
