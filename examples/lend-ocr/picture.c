/* SPDX-License-Identifier: MIT
 *
 * Receiving a picture without ever waiting for it: others may be done and want to be printed while
 * a slow pipe brings the next one. */
#include "picture.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { ROOM_LEAST = 64 << 10 };

struct picture *picture_open(int fd) {
    struct picture *picture = calloc(1, sizeof *picture);
    if (picture == NULL) {
        close(fd);
        return NULL;
    }
    picture->fd = fd;
    picture->room = ROOM_LEAST;
    struct stat about;
    if (fstat(fd, &about) == 0 && S_ISREG(about.st_mode)) {
        picture->regular = true;
        picture->too_large = (uint64_t)about.st_size > PICTURE_BYTES_MAX;
        /* One byte more than the file has, so that its end is found without growing. */
        if (about.st_size > 0 && !picture->too_large)
            picture->room = (size_t)about.st_size + 1;
    }
    return picture;
}

/* Make room for at least one byte more. */
static bool grow(struct picture *picture) {
    if (picture->bytes != NULL && picture->length < picture->room)
        return true;
    size_t room = picture->bytes != NULL ? picture->room * 2 : picture->room;
    unsigned char *bytes = realloc(picture->bytes, room);
    if (bytes == NULL)
        return false;
    picture->bytes = bytes;
    picture->room = room;
    return true;
}

static bool has_more(const struct picture *picture) {
    struct pollfd arrival = {.fd = picture->fd, .events = POLLIN};
    return picture->regular || poll(&arrival, 1, 0) > 0;
}

static enum picture_state fail(struct lend_reason *reterr_reason, int error, const char *words) {
    lend_reason_set(reterr_reason, error, "%s", words);
    return PICTURE_FAILED;
}

static enum picture_state close_whole(struct picture *picture) {
    close(picture->fd);
    picture->fd = -1;
    picture->request = LEND_OCR_REQUEST(.data = picture->bytes, .data_size = picture->length);
    return PICTURE_WHOLE;
}

enum picture_state picture_receive(struct picture *picture, struct lend_reason *reterr_reason) {
    while (picture->fd >= 0) {
        if (picture->too_large)
            return fail(reterr_reason, EFBIG, "it is larger than 64 MiB");
        if (!grow(picture))
            return fail(reterr_reason, ENOMEM, "no memory for it");
        if (!has_more(picture))
            return PICTURE_ARRIVING;
        ssize_t length =
            read(picture->fd, picture->bytes + picture->length, picture->room - picture->length);
        if (length == 0)
            return close_whole(picture);
        if (length > 0)
            picture->length += (size_t)length;
        else if (errno == EAGAIN)
            return PICTURE_ARRIVING;
        else if (errno != EINTR)
            return fail(reterr_reason, errno, strerror(errno));
        picture->too_large = picture->length > PICTURE_BYTES_MAX;
    }
    return PICTURE_WHOLE;
}

void picture_free(void *object) {
    struct picture *picture = object;
    if (picture == NULL)
        return;
    if (picture->fd >= 0)
        close(picture->fd);
    free(picture->bytes);
    free(picture);
}
