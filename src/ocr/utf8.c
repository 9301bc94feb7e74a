/* SPDX-License-Identifier: MIT
 *
 * Well-formed UTF-8 by the table of the Unicode standard (table 3-7): a first byte tells the
 * length, and narrows what the second may be; all others are from 0x80 to 0xbf. */
#include "ocr/utf8.h"

struct lead {
    unsigned char first, last; /* first bytes in this range */
    unsigned char length;      /* of the character */
    unsigned char second_low, second_high;
};

static const struct lead leads[] = {
    {0x01, 0x7f, 1, 0, 0},       {0xc2, 0xdf, 2, 0x80, 0xbf}, {0xe0, 0xe0, 3, 0xa0, 0xbf},
    {0xe1, 0xec, 3, 0x80, 0xbf}, {0xed, 0xed, 3, 0x80, 0x9f}, {0xee, 0xef, 3, 0x80, 0xbf},
    {0xf0, 0xf0, 4, 0x90, 0xbf}, {0xf1, 0xf3, 4, 0x80, 0xbf}, {0xf4, 0xf4, 4, 0x80, 0x8f},
};

/* The NUL at the end of the string is in no range. */
static bool is_within(char byte, unsigned char low, unsigned char high) {
    return (unsigned char)byte >= low && (unsigned char)byte <= high;
}

size_t lend__utf8_length(const char *at, bool *ret_valid) {
    *ret_valid = false;
    for (size_t i = 0; i < sizeof leads / sizeof leads[0]; i++) {
        const struct lead *lead = &leads[i];
        if (!is_within(at[0], lead->first, lead->last))
            continue;
        size_t length = 1;
        if (lead->length > 1 && is_within(at[1], lead->second_low, lead->second_high))
            length = 2;
        while (length > 1 && length < lead->length && is_within(at[length], 0x80, 0xbf))
            length++;
        *ret_valid = length == lead->length;
        return length;
    }
    return 1;
}
