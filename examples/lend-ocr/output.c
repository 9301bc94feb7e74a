/* SPDX-License-Identifier: MIT
 *
 * Printing results through lend_ocr_printer: one printer for all of standard output, or one per
 * file, which is written under a temporary name and renamed when it is whole. */
#define _GNU_SOURCE
#include "output.h"

#include <fcntl.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A result with a file of its own, or (result NULL) the words why there is none. */
struct outcome {
    const char *name;
    const struct lend_ocr_result *result;
    const char *words;
};

/* A lend_ocr_write whose context is a FILE *. Unlike lend_ocr_write_file it says what went wrong.
 */
static int write_stream(const void *data, size_t size, void *context) {
    errno = 0;
    if (fwrite(data, 1, size, context) == size)
        return 0;
    return errno != 0 ? errno : EIO;
}

static int flush(FILE *stream) {
    errno = 0;
    if (fflush(stream) == 0)
        return 0;
    return errno != 0 ? errno : EIO;
}

static int print(struct lend_ocr_printer *printer, const struct outcome *outcome) {
    if (outcome->result != NULL)
        return lend_ocr_print(printer, outcome->name, outcome->result);
    return lend_ocr_print_failure(printer, outcome->name, outcome->words);
}

static int print_whole(FILE *stream, enum lend_ocr_print_as as, const struct outcome *outcome) {
    struct lend_ocr_printer printer = {.as = as, .write = write_stream, .write_context = stream};
    int error = lend_ocr_print_begin(&printer);
    if (error == 0)
        error = print(&printer, outcome);
    if (error == 0)
        error = lend_ocr_print_end(&printer);
    return error != 0 ? error : flush(stream);
}

/* "scans/page.png" is "page.txt" in the folder. The caller frees it; NULL: no memory. */
static char *file_name(const struct output *output, const char *name) {
    static const char *const extensions[] = {
        [LEND_OCR_AS_TEXT] = "txt",
        [LEND_OCR_AS_TSV] = "tsv",
        [LEND_OCR_AS_HOCR] = "hocr",
        [LEND_OCR_AS_JSON] = "json",
    };
    const char *base = strcmp(name, "-") == 0 ? "stdin" : basename(name);
    const char *dot = strrchr(base, '.');
    int length = dot != NULL && dot != base ? (int)(dot - base) : (int)strlen(base);
    char *file;
    return asprintf(&file, "%.*s.%s", length, base, extensions[output->as]) < 0 ? NULL : file;
}

static int save(const struct output *output, const char *file, const struct outcome *outcome) {
    char part[64];
    snprintf(part, sizeof part, ".lend-ocr.%ld.part", (long)getpid());
    int fd = openat(output->folder_fd, part, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC,
                    0666);
    if (fd < 0)
        return errno;
    FILE *stream = fdopen(fd, "w");
    if (stream == NULL) {
        close(fd);
        unlinkat(output->folder_fd, part, 0);
        return ENOMEM;
    }
    int error = print_whole(stream, output->as, outcome);
    if (fclose(stream) != 0 && error == 0)
        error = errno;
    if (error == 0 && renameat(output->folder_fd, part, output->folder_fd, file) != 0)
        error = errno;
    if (error != 0)
        unlinkat(output->folder_fd, part, 0);
    return error;
}

static int print_to_folder(struct output *output, const struct outcome *outcome,
                           struct lend_reason *reterr_reason) {
    char *file = file_name(output, outcome->name);
    int error = file != NULL ? save(output, file, outcome) : ENOMEM;
    if (error != 0)
        lend_reason_set(reterr_reason, error, "%s/%s: %s", output->folder, file != NULL ? file : "",
                        strerror(error));
    free(file);
    return error;
}

/* Not before there is something to print: what is wrong with the models is told first. */
static int begin_once(struct output *output) {
    if (output->begun)
        return 0;
    output->begun = true;
    return lend_ocr_print_begin(&output->printer);
}

static int print_to_standard(struct output *output, const struct outcome *outcome) {
    int error = begin_once(output);
    if (error == 0)
        error = print(&output->printer, outcome);
    if (error == 0)
        error = flush(stdout);
    output->error = error;
    return error;
}

int output_open(struct output *output, enum lend_ocr_print_as as, const char *folder,
                struct lend_reason *reterr_reason) {
    *output = (struct output){
        .as = as,
        .folder = folder,
        .folder_fd = -1,
        .printer = {.as = as, .write = write_stream, .write_context = stdout},
    };
    if (folder == NULL)
        return 0;
    mkdir(folder, 0777); /* if it is there already, or cannot be, opening it says so */
    output->folder_fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (output->folder_fd < 0)
        return lend_reason_set(reterr_reason, errno, "%s: %s", folder, strerror(errno));
    return 0;
}

static int compare_names(const void *one, const void *other) {
    return strcmp(one, other);
}

int output_claim(struct output *output, const char *name, struct lend_reason *reterr_reason) {
    if (output->folder == NULL)
        return 0;
    char *file = file_name(output, name);
    char *const *known = file != NULL ? tsearch(file, &output->claimed, compare_names) : NULL;
    if (known != NULL && *known == file)
        return 0; /* the tree's now */
    if (known == NULL)
        lend_reason_set(reterr_reason, ENOMEM, "no memory for the name of its result");
    else
        lend_reason_set(reterr_reason, EEXIST,
                        "not read: its result would replace another file's, %s/%s", output->folder,
                        file);
    free(file);
    return known == NULL ? ENOMEM : EEXIST;
}

bool output_prints_failures(const struct output *output) {
    return output->as == LEND_OCR_AS_JSON;
}

static int print_outcome(struct output *output, const struct outcome *outcome,
                         struct lend_reason *reterr_reason) {
    if (output->folder != NULL)
        return print_to_folder(output, outcome, reterr_reason);
    return print_to_standard(output, outcome);
}

int output_print(struct output *output, const char *name, const struct lend_ocr_result *result,
                 struct lend_reason *reterr_reason) {
    return print_outcome(output, &(struct outcome){.name = name, .result = result}, reterr_reason);
}

int output_print_failure(struct output *output, const char *name, const char *words,
                         struct lend_reason *reterr_reason) {
    if (!output_prints_failures(output))
        return 0;
    return print_outcome(output, &(struct outcome){.name = name, .words = words}, reterr_reason);
}

void output_end(struct output *output) {
    if (output->folder != NULL || output->error != 0)
        return;
    output->error = begin_once(output);
    if (output->error == 0)
        output->error = lend_ocr_print_end(&output->printer);
    if (output->error == 0)
        output->error = flush(stdout);
}

void output_close(struct output *output) {
    tdestroy(output->claimed, free);
    if (output->folder_fd > STDERR_FILENO)
        close(output->folder_fd);
}
