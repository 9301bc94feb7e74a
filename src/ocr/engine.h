/* SPDX-License-Identifier: MIT
 *
 * The engine behind a wall: one Tesseract instance as plain C functions that no exception leaves.
 *
 *     new, load                           once
 *     show, recognise, read, dpi, clear   for each page
 *     free                                once
 *
 * Not for two threads at once. Functions that can fail return 0, ENOMEM, or EIO: the engine threw
 * or said no, and nobody knows what state that left it in. */
#ifndef LEND_SRC_OCR_ENGINE_H
#define LEND_SRC_OCR_ENGINE_H

#include <lend/ocr.h>

LEND_BEGIN_DECLS

struct engine;
struct Pix; /* Leptonica's */

/* The version of the engine that is linked, "5.3.0". */
const char *lend__engine_version(void);

/* Send what the engine would print to /dev/null, for the whole process. Call it once, before any
 * other thread uses the engine: the stream is a plain global there. */
void lend__engine_silence(void);

int lend__engine_new(struct engine **ret_engine);
void lend__engine_free(struct engine *engine);

/* Load languages, once. NULL datapath: the engine's own idea of it. Of several languages those that
 * cannot be loaded are left out, as long as one can. */
int lend__engine_load(struct engine *engine, const char *datapath, const char *languages);

/* Where it looked for them, with a slash at the end. Lives as long as the engine. */
const char *lend__engine_datapath(struct engine *engine);

/* Was this language loaded, and is it one for neural recognition? */
bool lend__engine_speaks(struct engine *engine, const char *language, size_t length);

/* Copy a picture in. The engine may change the original too (it removes alpha). dpi 0: what the
 * picture says. */
int lend__engine_show(struct engine *engine, struct Pix *picture, int psm, int dpi);

/* Asked about once per line of text, on the recognising thread; true ends the recognition. The
 * number means nothing. */
typedef bool engine_must_stop(void *context, int number);

/* Recognise what was shown. A recognition that was stopped fails, with EIO. */
int lend__engine_recognise(struct engine *engine, engine_must_stop *must_stop, void *context);

/* What the recognised page holds, in reading order: each block, then each paragraph of it, then
 * each line, then each word. The objects live during the call; only their scalars and texts are
 * set. A call that does not return 0 ends the reading and becomes its result. */
struct engine_reader {
    int (*block)(void *context, const struct lend_ocr_block *block);
    int (*paragraph)(void *context, const struct lend_ocr_paragraph *paragraph);
    int (*line)(void *context, const struct lend_ocr_line *line); /* text: with its newlines */
    int (*word)(void *context, const struct lend_ocr_word *word);
};
int lend__engine_read(struct engine *engine, const struct engine_reader *reader, void *context);

/* The resolution that it went by. */
int lend__engine_dpi(struct engine *engine);

/* Forget picture and results. */
int lend__engine_clear(struct engine *engine);

LEND_END_DECLS

#endif
