/* SPDX-License-Identifier: MIT
 *
 * UTF-8, as far as printing needs it. */
#ifndef LEND_SRC_OCR_UTF8_H
#define LEND_SRC_OCR_UTF8_H

#include <stdbool.h>
#include <stddef.h>

#define UTF8_REPLACEMENT "\xef\xbf\xbd" /* U+FFFD */

/* How many bytes the character at `at`, which is not the final NUL, has. If it is none (a stray or
 * missing byte, an overlong form, a surrogate, beyond U+10FFFF), *ret_valid is false and the length
 * that of what a reader replaces by one U+FFFD: the longest beginning of some character, or one
 * byte (Unicode 15, section 3.9). */
size_t lend__utf8_length(const char *at, bool *ret_valid);

#endif
