/* SPDX-License-Identifier: MIT
 *
 * Text into a buffer of fixed size, always terminated, with "..." at the end of what did not fit.
 *
 *     struct text text = text_into(buffer, size);
 *     lend__text_add(&text, "%u of %u lent", lent, models);
 *     return text.length;
 */
#ifndef LEND_SRC_BASE_TEXT_H
#define LEND_SRC_BASE_TEXT_H

#include <lend/base.h>
#include <lend/site.h>
#include <stdarg.h>

struct text {
    char *buffer; /* may be NULL if size is 0 */
    size_t size;
    size_t length; /* < size, or 0 */
    bool cut;      /* something did not fit: nothing more is added */
    bool measures; /* nothing is written: `length` is what it would be */
};

static inline struct text text_into(char *buffer, size_t size) {
    if (size > 0)
        buffer[0] = '\0';
    return (struct text){.buffer = buffer, .size = size};
}

/* To learn how long a text is. The buffer holds "" then. */
static inline struct text text_measure(char *buffer, size_t size) {
    struct text text = text_into(buffer, size);
    text.measures = true;
    return text;
}

void lend__text_add(struct text *text, const char *format, ...) LEND_PRINTF(2, 3);
void lend__text_add_list(struct text *text, const char *format, va_list list) LEND_PRINTF(2, 0);

/* "850 us", "12.3 s", "2 h 05 min". */
void lend__text_add_duration(struct text *text, int64_t ns);

/* "batch.c:88", with the last component of the path. */
void lend__text_add_place(struct text *text, const struct lend_site *site);

/* A string as JSON has it: in quotes, with what must not stand there escaped. */
void lend__text_add_quoted(struct text *text, const char *string);

/* " at batch.c:88", with the last component of the path; nothing for NULL. */
void lend__text_add_site(struct text *text, const struct lend_site *site);

/* Copy a string into an array, cut with "..." where it does not fit. */
void lend__text_copy(char *buffer, size_t size, const char *string);

#endif
