/* SPDX-License-Identifier: MIT
 *
 * OCR: Tesseract as a model that a pool lends. A library of its own (-llend-ocr) on the public
 * functions of lend; nothing in lend knows of it.
 *
 *     struct lend_ocr_options ocr = LEND_OCR_OPTIONS(.languages = "eng");
 *     error = lend_pool_open(&pool, &LEND_POOL_OPTIONS(.ops = &lend_ocr_model_ops,
 *                                                      .ops_context = &ocr, .models = 4));
 *
 *     struct lend_ocr_request request = LEND_OCR_REQUEST(.data = bytes, .data_size = size);
 *     struct lend_ocr_result *result = NULL;
 *     lend_with (page, pool, lend_within_ms(500)) {
 *         error = lend_ocr_recognise(page.model, &request, &result, &reason);
 *     } lend_else { ...
 *
 * or, on an executor, with the result taken from the future:
 *
 *     error = lend_submit(executor, &LEND_JOB(.run = lend_ocr_job, .argument = &request), &future);
 *
 * A picture comes from memory, as the file holds it, and is judged by its header before anything
 * is decoded. The text is byte for byte that of the `tesseract` command on the same file. What a
 * model read before changes nothing. */
#ifndef LEND_OCR_H
#define LEND_OCR_H

#include <lend/base.h>
#include <lend/deadline.h>
#include <lend/error.h>
#include <lend/job.h>
#include <lend/model.h>

LEND_BEGIN_DECLS

/* what is let in */

/* Zero means the default, field by field. */
struct lend_ocr_limits {
    uint64_t bytes_max;  /* of the file. Default 64 MiB */
    uint64_t pixels_max; /* of each page. Default 100,000,000 */
    uint32_t side_max;   /* of each page, in pixels. Default, and at most, 32767 */
    uint32_t pages_max;  /* of a TIFF. Default 1000, at most 65535 */
};

#define LEND_OCR_FORMATS(X)                                                                        \
    X(LEND_OCR_PNG, "PNG")                                                                         \
    X(LEND_OCR_JPEG, "JPEG")                                                                       \
    X(LEND_OCR_TIFF, "TIFF")                                                                       \
    X(LEND_OCR_PNM, "PNM")                                                                         \
    X(LEND_OCR_WEBP, "WebP")

enum lend_ocr_format {
#define LEND_OCR_FORMAT_MEMBER_(name, words) name,
    LEND_OCR_FORMATS(LEND_OCR_FORMAT_MEMBER_)
#undef LEND_OCR_FORMAT_MEMBER_
};

/* What the header of a file says. */
struct lend_ocr_info {
    enum lend_ocr_format format;
    uint32_t pages;         /* 1 but for TIFF */
    uint32_t width, height; /* in pixels; of the largest page */
};

/* The name of a format, "PNG". Static. "unknown" for a foreign number. */
LEND_API const char *lend_ocr_format_name(enum lend_ocr_format format);

/* Would this file be read? Looks at the header, and at as much of the file's structure as shows
 * without decoding that it is whole; allocates no more than a few bytes a page. NULL limits are
 * the defaults; ret_info and reason may be NULL. lend_ocr_recognise asks this by itself.
 *
 * 0        yes, unless its pixels turn out to be damaged
 * EINVAL   data is NULL while size is not 0, or a limit is larger than what is allowed
 * ENODATA  size is 0
 * ENOTSUP  not one of the five formats, or a rare kind of one: reason says what it looks like
 * EBADMSG  the header is damaged, the file is cut short, or a TIFF's pages form a ring
 * EFBIG    over a limit; reason names the limit and the value
 * ENOMEM   no memory */
LEND_API LEND_NODISCARD int lend_ocr_admit(const void *data, size_t size,
                                           const struct lend_ocr_limits *limits,
                                           struct lend_ocr_info *ret_info,
                                           struct lend_reason *reason);

/* the model */

/* Zero means the default, field by field. Handed to lend_pool_open as ops_context; stays where it
 * is, with its strings, until the pool is closed. */
struct lend_ocr_options {
    size_t size; /* of this struct; LEND_OCR_OPTIONS sets it */

    const char *languages; /* "eng", "chi_sim+eng". Default "eng". Each has to load */
    const char *datapath;  /* the folder of the *.traineddata files. Default: the environment's
                              TESSDATA_PREFIX, else the one compiled into the engine */

    /* What each request gets unless it says otherwise. */
    int psm; /* page segmentation mode, numbered as by the command: 1 or 3 to 13. Default 3: the
                page is laid out automatically. 0 and 2 give no text and are not offered */
    int dpi; /* 70 to 2400. Default: what the picture says, else the engine's guess */
    struct lend_ocr_limits limits;

    /* Let the engine start OpenMP threads of its own. By default it is kept on the thread that
     * calls it: the engine asks for four threads per line, whatever the machine has, and two
     * models on two cores then read six times fewer pages than one thread each. */
    bool engine_threads;
};

#ifndef __cplusplus
#define LEND_OCR_OPTIONS(...)                                                                      \
    ((struct lend_ocr_options){.size = sizeof(struct lend_ocr_options), __VA_ARGS__})
#endif

/* The operations for struct lend_pool_options; ops_context is a struct lend_ocr_options, or NULL
 * for the defaults. A load fails with EIO naming the language that is missing, cut short or of
 * another kind, EINVAL naming the option that is out of range. What no load can report is a flipped
 * bit inside a language's network: the engine ends the process for that, by an assertion of its
 * own. The first load of a process silences what the engine and Leptonica would write to stderr. */
LEND_API extern const struct lend_model_ops lend_ocr_model_ops;

/* reading */

/* Zero means the default, field by field; only `data` has none. */
struct lend_ocr_request {
    size_t size; /* of this struct; LEND_OCR_REQUEST sets it */

    const void *data; /* required: the file's bytes, unchanged while the request is worked on */
    size_t data_size;

    int psm;                              /* Default: the model's */
    int dpi;                              /* Default: the model's */
    const struct lend_ocr_limits *limits; /* Default: the model's */

    /* For lend_ocr_recognise; lend_ocr_job has the job's. Zeroed: 30 s from the call. */
    lend_deadline deadline;

    /* Asked now and then on the recognising thread: true ends the reading. May be NULL. */
    bool (*must_stop)(void *context);
    void *must_stop_context;
};

#ifndef __cplusplus
#define LEND_OCR_REQUEST(...)                                                                      \
    ((struct lend_ocr_request){.size = sizeof(struct lend_ocr_request), __VA_ARGS__})
#endif

struct lend_ocr_result;

/* Read all pages of one file on a borrowed model, on this thread. `model` is what a pool with
 * lend_ocr_model_ops lent. Free the result with lend_ocr_result_free. `reason` may be NULL.
 *
 * Deadline and must_stop are looked at before each page and about once per line of text: decoding
 * and layout are not interrupted. Thread cancellation is held off meanwhile.
 *
 * What is damaged in the pixels of a TIFF in colours (three or four samples a pixel) is not seen in
 * every case: its decoder leaves out what it cannot decode and says nothing, and the page is read
 * without. So does the `tesseract` command read it.
 *
 * 0          read; a page without text is a page all the same
 * EINVAL     an argument is missing or out of range; reason says which
 * E2BIG      the request is larger than this library knows, and sets something there
 * ENODATA, ENOTSUP, EBADMSG, EFBIG
 *            the file is not let in (lend_ocr_admit), or EBADMSG: its pixels are damaged, or not as
 *            many as its header says
 * ETIMEDOUT  the deadline passed; nothing is returned of the pages read
 * ECANCELED  must_stop said so; likewise
 * ENOMEM     no memory
 * EIO        the engine failed; give the model back with lend_release_broken */
LEND_API LEND_NODISCARD int lend_ocr_recognise(void *model, const struct lend_ocr_request *request,
                                               struct lend_ocr_result **ret_result,
                                               struct lend_reason *reason);

/* The same as a job (a lend_job_function): `argument` is the struct lend_ocr_request, the value
 * left in the future is the struct lend_ocr_result, destroyed if nobody takes it. The job's
 * deadline and cancellation hold in place of the request's; the words of a failure are the
 * future's reason; a model on which the engine failed is replaced. */
LEND_API int lend_ocr_job(void *model, void *argument, lend_job *job);

/* results */

/* In pixels from the top left corner of the page. */
struct lend_ocr_box {
    int32_t x, y, width, height;
};

enum lend_ocr_direction {
    LEND_OCR_NEUTRAL, /* digits and signs */
    LEND_OCR_LEFT_TO_RIGHT,
    LEND_OCR_RIGHT_TO_LEFT,
    LEND_OCR_MIXED,
};

struct lend_ocr_word {
    const char *text; /* UTF-8, as all text here; " " where the engine saw a mark it cannot read */
    struct lend_ocr_box box;
    float confidence;     /* 0 to 100 */
    const char *language; /* "eng" */
    enum lend_ocr_direction direction;
};

struct lend_ocr_line {
    const char *text; /* its words, spaced as the language wants it; no newline */
    struct lend_ocr_box box;
    const struct lend_ocr_word *words;
    size_t word_count;

    int angle; /* how far it is turned, in degrees as hOCR counts them: 0, 90, 180 or 270 */
    /* The baseline is y = slope * x + offset from the box's lower left corner. No line has one
     * unless it is upright. */
    bool has_baseline;
    double baseline_slope, baseline_offset;
    float size, descenders, ascenders; /* heights of row, descenders (negative) and ascenders */
};

struct lend_ocr_paragraph {
    struct lend_ocr_box box;
    const struct lend_ocr_line *lines;
    size_t line_count;
    const char *language; /* of its first word */
    bool right_to_left;
};

enum lend_ocr_block_kind {
    LEND_OCR_TEXT,
    LEND_OCR_HEADING,
    LEND_OCR_PULLOUT,
    LEND_OCR_CAPTION,
    LEND_OCR_IMAGE, /* not text, nor is the next; what words they hold are left out of the text */
    LEND_OCR_RULE,
};

struct lend_ocr_block {
    enum lend_ocr_block_kind kind;
    struct lend_ocr_box box;
    const struct lend_ocr_paragraph *paragraphs; /* none if an image or rule has no words */
    size_t paragraph_count;
};

/* Blocks, lines and words come in reading order. `lines` and `words` are all those of the page,
 * the same objects that the blocks lead to. */
struct lend_ocr_page {
    uint32_t number; /* in its file, from 1 */
    uint32_t width, height;
    uint32_t dpi;     /* that the engine went by */
    float confidence; /* mean of the words that are in the text; 0 if there are none */
    double ms;        /* spent on decoding and reading it */
    const char *text; /* what the command prints for it */

    const struct lend_ocr_block *blocks;
    size_t block_count;
    const struct lend_ocr_line *lines;
    size_t line_count;
    const struct lend_ocr_word *words;
    size_t word_count;
};

/* One piece of memory, constant from the start: any thread may read it. */
struct lend_ocr_result {
    enum lend_ocr_format format;
    const struct lend_ocr_page *pages;
    size_t page_count; /* at least 1 */
};

/* Free a result. NULL is allowed. Its type fits lend_destroy. */
LEND_API void lend_ocr_result_free(void *result);

/* printing */

enum lend_ocr_print_as {
    LEND_OCR_AS_TEXT, /* as `tesseract FILE -`; a form feed before each page but the first */
    LEND_OCR_AS_TSV,  /* as `tesseract FILE - tsv` */
    LEND_OCR_AS_HOCR, /* as `tesseract FILE - hocr` */
    LEND_OCR_AS_JSON, /* one object and newline per page, and per failure:
                         {"file","page","width","height","confidence","text",
                          "words":[{"text","x","y","w","h","confidence"}],"ms"}
                         {"file","error"} */
};

/* Takes what is printed, piece by piece. An error ends the printing and becomes its result. */
typedef int lend_ocr_write(const void *data, size_t size, void *context);

/* Output in progress: begin, any number of results, end.
 *
 *     struct lend_ocr_printer printer = {.as = LEND_OCR_AS_TSV, .write = lend_ocr_write_file,
 *                                        .write_context = stdout};
 *     error = lend_ocr_print_begin(&printer);
 *     error = lend_ocr_print(&printer, "scan.tif", result);
 *     error = lend_ocr_print_end(&printer);
 *
 * Not for several threads at once. The same result prints the same bytes in every locale; only
 * JSON's `ms` differs from run to run. */
struct lend_ocr_printer {
    enum lend_ocr_print_as as;
    lend_ocr_write *write;
    void *write_context;
    uint32_t pages; /* printed so far. The next one's number in TSV and hOCR is one more */
};

/* `file` names the source in hOCR and JSON. Bytes of it that are not UTF-8 come out as U+FFFD.
 * print_failure tells of a file that was not read, and is printed as JSON only. Each returns 0,
 * EINVAL if something is NULL or `as` unknown, or what `write` returned. */
LEND_API LEND_NODISCARD int lend_ocr_print_begin(struct lend_ocr_printer *printer);
LEND_API LEND_NODISCARD int lend_ocr_print(struct lend_ocr_printer *printer, const char *file,
                                           const struct lend_ocr_result *result);
LEND_API LEND_NODISCARD int lend_ocr_print_failure(struct lend_ocr_printer *printer,
                                                   const char *file, const char *words);
LEND_API LEND_NODISCARD int lend_ocr_print_end(struct lend_ocr_printer *printer);

/* A lend_ocr_write whose context is a FILE *. EIO if the stream does not take it all. */
LEND_API int lend_ocr_write_file(const void *data, size_t size, void *file);

LEND_END_DECLS

#endif
