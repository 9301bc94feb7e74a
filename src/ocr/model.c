/* SPDX-License-Identifier: MIT
 *
 * The model operations: options in, an engine with all its languages out. */
#include "ocr/model.h"

#include "ocr/admit.h"
#include "ocr/process.h"
#include "ocr/sized.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    PSM_DEFAULT = 3, /* what the command does; the engine's own default is another */
    PSM_MAX = 13,
    DPI_MIN = 70, /* outside of these the engine makes up a number of its own */
    DPI_MAX = 2400,
};

int lend__psm_check(int psm, struct lend_reason *reason) {
    if (psm == 0 || psm == 1 || (psm >= 3 && psm <= PSM_MAX))
        return 0;
    return lend_reason_set(reason, EINVAL, "psm is %d; it may be 1 or 3 to %d", psm, PSM_MAX);
}

int lend__dpi_check(int dpi, struct lend_reason *reason) {
    if (dpi == 0 || (dpi >= DPI_MIN && dpi <= DPI_MAX))
        return 0;
    return lend_reason_set(reason, EINVAL, "dpi is %d; it may be %d to %d", dpi, DPI_MIN, DPI_MAX);
}

/* One name of "chi_sim+eng". */
struct language {
    const char *name;
    int length;
};

/* Take the next name. False at the end. */
static bool next_language(const char **languages, struct language *ret_language) {
    const char *name = *languages;
    if (name == NULL)
        return false;
    const char *plus = strchr(name, '+');
    *ret_language = (struct language){
        .name = name, .length = (int)(plus != NULL ? plus - name : (ptrdiff_t)strlen(name))};
    *languages = plus != NULL ? plus + 1 : NULL;
    return true;
}

/* The engine would skip an empty name, and take one with a tilde for one to leave out. */
static int check_languages(const char *languages, struct lend_reason *reason) {
    struct language language;
    for (const char *rest = languages; next_language(&rest, &language);)
        if (language.length == 0 || language.name[0] == '~')
            return lend_reason_set(reason, EINVAL, "languages is \"%s\": \"%.*s\" names none",
                                   languages, language.length, language.name);
    return 0;
}

static int complete(struct lend_ocr_options *options, struct lend_reason *reason) {
    if (options->languages == NULL)
        options->languages = "eng";
    int error = check_languages(options->languages, reason);
    if (error == 0)
        error = lend__psm_check(options->psm, reason);
    if (error == 0)
        error = lend__dpi_check(options->dpi, reason);
    if (error == 0)
        error = lend__limits_complete(&options->limits, &options->limits, reason);
    if (options->psm == 0)
        options->psm = PSM_DEFAULT;
    return error;
}

/* Why is a language not there? The engine says so only on a stream that is shut. */
static int explain(struct engine *engine, struct language language, struct lend_reason *reason) {
    char path[4096];
    snprintf(path, sizeof path, "%s%.*s.traineddata", lend__engine_datapath(engine),
             language.length, language.name);
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        return lend_reason_set(reason, EIO, "language %.*s: cannot open %s", language.length,
                               language.name, path);
    fclose(file);
    return lend_reason_set(reason, EIO,
                           "language %.*s: %s is damaged, or not for neural recognition",
                           language.length, language.name, path);
}

static int load_languages(struct engine *engine, const struct lend_ocr_options *options,
                          struct lend_reason *reason) {
    struct language language;
    int error = lend__engine_load(engine, options->datapath, options->languages);
    if (error == ENOMEM)
        return lend_reason_set(reason, ENOMEM, "no memory for languages %s", options->languages);
    for (const char *rest = options->languages; next_language(&rest, &language);)
        if (error != 0 || !lend__engine_speaks(engine, language.name, (size_t)language.length))
            return explain(engine, language, reason);
    return 0;
}

static int load(void **ret_model, void *context, struct lend_reason *reason) {
    struct lend_ocr_options options = LEND_OCR_OPTIONS(.psm = 0);
    int error = 0;
    if (context != NULL)
        error =
            lend__sized_read(&options, sizeof options, context, "struct lend_ocr_options", reason);
    if (error == 0)
        error = complete(&options, reason);
    if (error != 0)
        return error;
    lend__process_prepare();
    struct model *model = calloc(1, sizeof *model);
    if (model == NULL || lend__engine_new(&model->engine) != 0) {
        free(model);
        return lend_reason_set(reason, ENOMEM, "no memory for an engine");
    }
    model->limits = options.limits;
    model->psm = options.psm;
    model->dpi = options.dpi;
    model->engine_threads = options.engine_threads;
    error = load_languages(model->engine, &options, reason);
    if (error != 0) {
        lend__engine_free(model->engine);
        free(model);
        return error;
    }
    *ret_model = model;
    return 0;
}

static void unload(void *opaque, void *context) {
    struct model *model = opaque;
    (void)context;
    lend__engine_free(model->engine);
    free(model);
}

/* Every reading ends with a clear engine, so there is nothing to undo; but a model whose engine
 * failed must not go round again. */
static int reset(void *opaque, void *context, struct lend_reason *reason) {
    const struct model *model = opaque;
    (void)context;
    return model->failed ? lend_reason_set(reason, EIO, "its engine failed") : 0;
}

static int check(void *model, void *context, struct lend_reason *reason) {
    (void)context;
    return lend__model_check(model, reason);
}

const struct lend_model_ops lend_ocr_model_ops =
    LEND_MODEL_OPS(.load = load, .unload = unload, .reset = reset, .check = check);
