/* SPDX-License-Identifier: MIT
 *
 * PNM: P1 to P3 have their pixels as decimal numbers, P4 to P6 as bytes; bits, greys and colours in
 * either. The grammar is the decoder's, which is narrower than the format's: comments only between
 * the first line and the width, and only some maxima. Two readers that disagree about a header
 * disagree about how much memory it asks for. */
#include "ocr/admit.h"

enum kind {
    BITS,
    GREYS,
    COLOURS,
};

struct pnm {
    enum kind kind;
    bool decimal; /* the pixels are */
    struct page_size size;
    uint32_t maximum; /* of a sample */
    uint64_t pixels;  /* where they begin */
};

static bool is_space(uint8_t byte) {
    return byte == ' ' || byte == '\t' || byte == '\n' || byte == '\r';
}

static void skip_space(const struct bytes *file, uint64_t *at) {
    while (*at < file->size && is_space(file->at[*at]))
        ++*at;
}

static void skip_comments(const struct bytes *file, uint64_t *at) {
    while (*at < file->size && file->at[*at] == '#') {
        const uint8_t *end = memchr(file->at + *at, '\n', file->size - *at);
        *at = end != NULL ? (uint64_t)(end - file->at) + 1 : file->size;
    }
}

/* A number of up to seven digits with space before it, if it is not the first, and after it, if
 * it is not the end. */
static bool read_number(const struct bytes *file, uint64_t *at, uint32_t *ret_number) {
    uint32_t number = 0;
    int digits = 0;
    skip_space(file, at);
    for (; *at < file->size && file->at[*at] >= '0' && file->at[*at] <= '9'; ++*at, digits++) {
        if (digits == 7)
            return false;
        number = number * 10 + (uint32_t)(file->at[*at] - '0');
    }
    if (digits == 0 || (*at < file->size && !is_space(file->at[*at])))
        return false;
    *ret_number = number;
    return true;
}

static int read_header(const struct bytes *file, struct pnm *pnm, struct lend_reason *reason) {
    unsigned type = file->at[1] - (unsigned)'0';
    uint64_t at = 2;
    *pnm = (struct pnm){.kind = (enum kind)((type - 1) % 3), .decimal = type <= 3, .maximum = 1};
    skip_space(file, &at);
    skip_comments(file, &at);
    if (!read_number(file, &at, &pnm->size.width) || !read_number(file, &at, &pnm->size.height) ||
        (pnm->kind != BITS && !read_number(file, &at, &pnm->maximum)))
        return lend_reason_set(reason, EBADMSG, "PNM: no number as expected at byte %llu",
                               (unsigned long long)at);
    pnm->pixels = at + 1; /* one space ends the header */
    return 0;
}

static bool maximum_is_read(const struct pnm *pnm) {
    switch (pnm->kind) {
    case BITS:
        return true;
    case GREYS:
        return pnm->maximum == 3 || pnm->maximum == 15 || pnm->maximum == 255 ||
               pnm->maximum == 65535;
    case COLOURS:
        return pnm->maximum == 255 || pnm->maximum == 65535;
    }
    return false;
}

/* Are there that many numbers, none over the maximum? Bits may stand without space between them in
 * the format, but not for the decoder, which would take a row of them for one number. */
static bool numbers_are_whole(const struct bytes *file, const struct pnm *pnm, uint64_t count) {
    uint64_t at = pnm->pixels;
    for (; count > 0; count--) {
        uint32_t number;
        if (!read_number(file, &at, &number) || number > pnm->maximum)
            return false;
    }
    return true;
}

int lend__admit_pnm(const struct bytes *file, struct page_size *ret_size,
                    struct lend_reason *reason) {
    struct pnm pnm;
    int error = read_header(file, &pnm, reason);
    if (error != 0)
        return error;
    if (!maximum_is_read(&pnm))
        return lend_reason_set(reason, ENOTSUP, "PNM: one with a maximum of %u is not read",
                               (unsigned)pnm.maximum);
    uint64_t row = (uint64_t)pnm.size.width * (pnm.kind == COLOURS ? 3 : 1);
    if (!pnm.decimal)
        row = pnm.kind == BITS ? (row + 7) / 8 : row * (pnm.maximum > 255 ? 2 : 1);
    uint64_t count = row * pnm.size.height; /* seven digits each and a few: no overflow */
    if (pnm.decimal ? !numbers_are_whole(file, &pnm, count) : !bytes_has(file, pnm.pixels, count))
        return lend_reason_set(reason, EBADMSG,
                               "PNM: cut short: its %u x %u pixels are not all there",
                               (unsigned)pnm.size.width, (unsigned)pnm.size.height);
    *ret_size = pnm.size;
    return 0;
}
