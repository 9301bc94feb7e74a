/* SPDX-License-Identifier: MIT
 *
 * Pictures: a file's bytes while they arrive, and then the argument of the job that reads them. */
#ifndef LEND_OCR_PICTURE_H
#define LEND_OCR_PICTURE_H

#include <lend/ocr.h>

/* No picture is larger, so that a bounded number of them is bounded memory. */
#define PICTURE_BYTES_MAX (UINT64_C(64) << 20)

struct picture {
    struct lend_ocr_request request; /* first: the job is handed this and frees the whole. Its data
                                        is set once all of it is there */
    int fd;                          /* -1 once it is whole */
    bool regular;                    /* a file on a disk: never waited for */
    bool too_large;
    unsigned char *bytes;
    size_t length, room;
};

enum picture_state {
    PICTURE_WHOLE,
    PICTURE_ARRIVING, /* from a pipe or terminal that has nothing more just now: poll fd */
    PICTURE_FAILED,
};

/* A picture that comes from fd, which it closes in the end. NULL: no memory, and fd is closed. */
struct picture *picture_open(int fd);

/* Read as much as there is without waiting. A failure leaves its words in *reterr_reason. */
enum picture_state picture_receive(struct picture *picture, struct lend_reason *reterr_reason);

/* Free a struct picture. NULL is allowed. Its type fits lend_destroy. */
void picture_free(void *picture);

#endif
