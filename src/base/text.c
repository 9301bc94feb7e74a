/* SPDX-License-Identifier: MIT
 *
 * The bounded text builder, and the two forms that every message of lend shares: how long, where.
 */
#include "base/text.h"

#include "base/clock.h"

#include <stdio.h>
#include <string.h>

/* Mark the end of what was `written`: as many dots as fit, up to three. A UTF-8 sequence that the
 * cut or the dots would split is left out whole. */
static void mark_cut(struct text *text, size_t written) {
    text->cut = true;
    if (text->size == 0)
        return;
    size_t dots = text->size - 1 < 3 ? text->size - 1 : 3;
    size_t end = text->size - 1 - dots;
    end = written < end ? written : end;
    while (end > 0 && ((unsigned char)text->buffer[end] & 0xc0) == 0x80)
        end--;
    memset(text->buffer + end, '.', dots);
    text->length = end + dots;
    text->buffer[text->length] = '\0';
}

static void measure(struct text *text, const char *format, va_list list) {
    int length = vsnprintf(NULL, 0, format, list);
    if (length > 0)
        text->length += (size_t)length;
}

void lend__text_add_list(struct text *text, const char *format, va_list list) {
    if (text->cut)
        return;
    if (text->measures) {
        measure(text, format, list);
        return;
    }
    size_t room = text->size - text->length;
    char *end = text->size > 0 ? text->buffer + text->length : NULL;
    int length = vsnprintf(end, room, format, list);
    if (length >= 0 && (size_t)length < room)
        text->length += (size_t)length;
    else
        mark_cut(text, /* written= */ length >= 0 ? text->size : text->length);
}

void lend__text_add(struct text *text, const char *format, ...) {
    va_list list;
    va_start(list, format);
    lend__text_add_list(text, format, list);
    va_end(list);
}

void lend__text_add_duration(struct text *text, int64_t ns) {
    long long us = ns / NS_PER_US, ms = ns / NS_PER_MS, s = ns / NS_PER_S;
    if (us < 1000)
        lend__text_add(text, "%lld us", us);
    else if (ms < 10000)
        lend__text_add(text, "%lld ms", ms);
    else if (s < 120)
        lend__text_add(text, "%lld.%lld s", s, ms / 100 % 10);
    else if (s < 7200)
        lend__text_add(text, "%lld min %02lld s", s / 60, s % 60);
    else
        lend__text_add(text, "%lld h %02lld min", s / 3600, s / 60 % 60);
}

void lend__text_add_place(struct text *text, const struct lend_site *site) {
    const char *slash = strrchr(site->file, '/');
    lend__text_add(text, "%s:%d", slash != NULL ? slash + 1 : site->file, site->line);
}

void lend__text_add_site(struct text *text, const struct lend_site *site) {
    if (site == NULL)
        return;
    lend__text_add(text, " at ");
    lend__text_add_place(text, site);
}

void lend__text_add_quoted(struct text *text, const char *string) {
    lend__text_add(text, "\"");
    for (; *string != '\0'; string++) {
        unsigned char byte = (unsigned char)*string;
        if (byte == '"' || byte == '\\')
            lend__text_add(text, "\\%c", byte);
        else if (byte < 0x20)
            lend__text_add(text, "\\u%04x", byte);
        else
            lend__text_add(text, "%c", byte);
    }
    lend__text_add(text, "\"");
}

void lend__text_copy(char *buffer, size_t size, const char *string) {
    struct text text = text_into(buffer, size);
    lend__text_add(&text, "%s", string);
}
