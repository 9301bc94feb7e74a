/* SPDX-License-Identifier: MIT
 *
 * JSON lines (RFC 8259): an object for each page, and for each failure. */
#include "ocr/print.h"

#include <inttypes.h>
#include <stdio.h>

static const char *escape(const char *character, size_t length, char buffer[ESCAPE_SIZE]) {
    if (length > 1)
        return NULL;
    switch (*character) {
    case '"':
        return "\\\"";
    case '\\':
        return "\\\\";
    case '\n':
        return "\\n";
    case '\t':
        return "\\t";
    default:
        if ((unsigned char)*character >= ' ')
            return NULL;
        snprintf(buffer, ESCAPE_SIZE, "\\u%04x", (unsigned)*character);
        return buffer;
    }
}

static void put_string(struct output *output, const char *string) {
    lend__put(output, "\"");
    lend__put_escaped(output, string, escape);
    lend__put(output, "\"");
}

static void put_word(struct output *output, const struct lend_ocr_word *word) {
    lend__put(output, "{\"text\":");
    put_string(output, word->text);
    lend__put_format(output,
                     ",\"x\":%" PRId32 ",\"y\":%" PRId32 ",\"w\":%" PRId32 ",\"h\":%" PRId32,
                     word->box.x, word->box.y, word->box.width, word->box.height);
    lend__put(output, ",\"confidence\":");
    lend__put_fixed(output, (double)word->confidence, /* decimals= */ 2);
    lend__put(output, "}");
}

void lend__print_json(struct output *output, const char *file, const struct lend_ocr_page *page) {
    lend__put(output, "{\"file\":");
    put_string(output, file);
    lend__put_format(output,
                     ",\"page\":%" PRIu32 ",\"width\":%" PRIu32 ",\"height\":%" PRIu32
                     ",\"confidence\":",
                     page->number, page->width, page->height);
    lend__put_fixed(output, (double)page->confidence, /* decimals= */ 2);
    lend__put(output, ",\"text\":");
    put_string(output, page->text);
    lend__put(output, ",\"words\":[");
    for (size_t i = 0; i < page->word_count; i++) {
        if (i > 0)
            lend__put(output, ",");
        put_word(output, &page->words[i]);
    }
    lend__put(output, "],\"ms\":");
    lend__put_fixed(output, page->ms, /* decimals= */ 1);
    lend__put(output, "}\n");
}

void lend__print_json_failure(struct output *output, const char *file, const char *words) {
    lend__put(output, "{\"file\":");
    put_string(output, file);
    lend__put(output, ",\"error\":");
    put_string(output, words);
    lend__put(output, "}\n");
}
