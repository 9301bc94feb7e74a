/* SPDX-License-Identifier: MIT
 *
 * Bytes that claim to be an image file are let in or not: within the limits, always with words. */
#include "fuzz/fuzz.h"

#include <lend/ocr.h>
#include <stdlib.h>
#include <string.h>

static void expect(int holds) {
    if (!holds)
        abort();
}

static void ask(const uint8_t *data, size_t size, const struct lend_ocr_limits *limits) {
    struct lend_ocr_info info;
    struct lend_reason reason = {0};
    int error = lend_ocr_admit(data, size, limits, &info, &reason);
    if (error != 0) {
        expect(error == ENODATA || error == ENOTSUP || error == EBADMSG || error == EFBIG);
        expect(reason.error == error && reason.text[0] != '\0');
        expect(memchr(reason.text, '\0', sizeof reason.text) != NULL);
        return;
    }
    expect(info.width >= 1 && info.height >= 1 && info.pages >= 1);
    expect(info.width <= 32767 && info.height <= 32767 && info.pages <= 1000);
    expect(strcmp(lend_ocr_format_name(info.format), "unknown") != 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    ask(data, size, /* limits= */ NULL);
    return 0;
}
