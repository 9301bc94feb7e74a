/* SPDX-License-Identifier: MIT
 *
 * Reading a file: admitted, then page by page decoded, shown to the engine, recognised and gathered
 * into the result. However it ends, the engine is left clear. */
#include "ocr/admit.h"
#include "ocr/draft.h"
#include "ocr/image.h"
#include "ocr/model.h"
#include "ocr/process.h"
#include "ocr/sized.h"

#include <inttypes.h>
#include <pthread.h>
#include <time.h>

enum { WAIT_MS_DEFAULT = 30000 };

/* What may end a reading early. The first to say so stays the reason. */
struct watch {
    lend_deadline deadline;
    bool (*must_stop)(void *context); /* may be NULL */
    void *context;
    int verdict; /* 0, ETIMEDOUT or ECANCELED */
};

struct reading {
    struct model *model;
    struct bytes file;
    int psm, dpi;
    struct watch watch;
    struct admission admission;
    struct draft draft;
    struct lend_reason *reason;
};

static bool has_passed(lend_deadline deadline) {
    return lend_deadline_left_ms(deadline) == 0;
}

/* A job is told to stop by its deadline too: the deadline is asked first and last, so that it is
 * not taken for a cancellation. */
static bool must_stop(void *context, int number) {
    struct watch *watch = context;
    (void)number;
    if (watch->verdict != 0)
        return true;
    if (has_passed(watch->deadline))
        watch->verdict = ETIMEDOUT;
    else if (watch->must_stop != NULL && watch->must_stop(watch->context))
        watch->verdict = has_passed(watch->deadline) ? ETIMEDOUT : ECANCELED;
    return watch->verdict != 0;
}

static int stopped(const struct reading *reading, uint32_t page) {
    return lend_reason_set(reading->reason, reading->watch.verdict,
                           "stopped on page %" PRIu32 ": %s", page,
                           lend_strerror(reading->watch.verdict));
}

static int engine_failed(struct reading *reading, int error, uint32_t page) {
    reading->model->failed = true;
    return lend_reason_set(reading->reason, error, "page %" PRIu32 ": the engine %s", page,
                           error == ENOMEM ? "ran out of memory" : "failed");
}

static double now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static int no_memory(const struct reading *reading, uint32_t page) {
    return lend_reason_set(reading->reason, ENOMEM, "no memory to read page %" PRIu32, page);
}

/* The picture goes as soon as the engine has its copy: it may be most of the memory in use. An
 * engine that lacks memory for the rest takes the page for a blank one, so that is asked before. */
static int show_page(struct reading *reading, uint32_t index, struct lend_ocr_page *page) {
    struct Pix *image = NULL;
    int error =
        lend__image_decode(&reading->file, &reading->admission, index, &image, reading->reason);
    if (error != 0)
        return error;
    lend__image_size(image, &page->width, &page->height);
    size_t work_bytes = lend__image_work_bytes(image);
    error = lend__engine_show(reading->model->engine, image, reading->psm, reading->dpi);
    lend__image_free(image);
    if (error == ENOMEM || !lend__memory_is_there(work_bytes))
        return no_memory(reading, page->number);
    return error != 0 ? engine_failed(reading, error, page->number) : 0;
}

static int recognise_page(struct reading *reading, uint32_t index) {
    struct engine *engine = reading->model->engine;
    struct lend_ocr_page page = {.number = index + 1};
    double began_ms = now_ms();
    if (must_stop(&reading->watch, 0))
        return stopped(reading, page.number);
    int error = show_page(reading, index, &page);
    if (error != 0)
        return error;
    error = lend__engine_recognise(engine, must_stop, &reading->watch);
    if (reading->watch.verdict != 0)
        return stopped(reading, page.number);
    if (error != 0)
        return engine_failed(reading, error, page.number);
    error = lend__draft_add_page(&reading->draft, &page);
    if (error == 0)
        error = lend__engine_read(engine, &lend__draft_reader, &reading->draft);
    if (error == 0)
        error = lend__draft_end_page(&reading->draft, (uint32_t)lend__engine_dpi(engine),
                                     now_ms() - began_ms);
    if (error == EIO)
        return engine_failed(reading, error, page.number);
    return error != 0 ? lend_reason_set(reading->reason, error, "no memory for the result") : 0;
}

static int recognise_pages(struct reading *reading, struct lend_ocr_result **ret_result) {
    int error = 0;
    for (uint32_t i = 0; error == 0 && i < reading->admission.info.pages; i++) {
        error = recognise_page(reading, i);
        if (lend__engine_clear(reading->model->engine) != 0)
            reading->model->failed = true;
    }
    if (error != 0)
        return error;
    error = lend__draft_finish(&reading->draft, reading->admission.info.format, ret_result);
    return error != 0 ? lend_reason_set(reading->reason, error, "no memory for the result") : 0;
}

static int recognise(struct reading *reading, const struct lend_ocr_limits *limits,
                     struct lend_ocr_result **ret_result) {
    int error = lend__admit(&reading->file, limits, &reading->admission, reading->reason);
    if (error != 0)
        return error;
    bool cap = !reading->model->engine_threads;
    int levels = cap ? lend__engine_threads_cap() : 0;
    error = recognise_pages(reading, ret_result);
    if (cap)
        lend__engine_threads_restore(levels);
    lend__admission_free(&reading->admission);
    lend__draft_drop(&reading->draft);
    return error;
}

static int check_request(const struct model *model, const struct lend_ocr_request *request,
                         struct lend_reason *reason) {
    if (request->data == NULL && request->data_size != 0)
        return lend_reason_set(reason, EINVAL, "data is NULL");
    if (model->failed)
        return lend_reason_set(reason, EIO, "the engine failed before");
    int error = lend__psm_check(request->psm, reason);
    return error != 0 ? error : lend__dpi_check(request->dpi, reason);
}

int lend_ocr_recognise(void *opaque, const struct lend_ocr_request *given,
                       struct lend_ocr_result **ret_result, struct lend_reason *reason) {
    struct model *model = opaque;
    struct lend_ocr_request request;
    struct lend_ocr_limits limits;
    if (model == NULL || ret_result == NULL)
        return lend_reason_set(reason, EINVAL, "%s is NULL",
                               model == NULL ? "model" : "ret_result");
    int error =
        lend__sized_read(&request, sizeof request, given, "struct lend_ocr_request", reason);
    if (error == 0)
        error = check_request(model, &request, reason);
    if (error == 0)
        error = lend__limits_complete(request.limits != NULL ? request.limits : &model->limits,
                                      &limits, reason);
    if (error != 0)
        return error;
    if (request.deadline.at_ns == LEND_BY_DEFAULT.at_ns)
        request.deadline = lend_within_ms(WAIT_MS_DEFAULT);
    struct reading reading = {
        .model = model,
        .file = {.at = request.data, .size = request.data_size},
        .psm = request.psm != 0 ? request.psm : model->psm,
        .dpi = request.dpi != 0 ? request.dpi : model->dpi,
        .watch = {.deadline = request.deadline,
                  .must_stop = request.must_stop,
                  .context = request.must_stop_context},
        .reason = reason,
    };
    /* The engine has no clean-up for a thread that is cancelled in the middle of it. */
    int cancel_state;
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel_state);
    error = recognise(&reading, &limits, ret_result);
    pthread_setcancelstate(cancel_state, &cancel_state);
    return error;
}
