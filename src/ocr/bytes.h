/* SPDX-License-Identifier: MIT
 *
 * A file in memory, read with bounds: every format's parser asks `bytes_has` and then takes.
 * Offsets are 64 bits wide, so that sums of 32-bit fields of a hostile file cannot wrap. */
#ifndef LEND_SRC_OCR_BYTES_H
#define LEND_SRC_OCR_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct bytes {
    const uint8_t *at;
    size_t size;
};

static inline bool bytes_has(const struct bytes *bytes, uint64_t offset, uint64_t length) {
    return offset <= bytes->size && length <= bytes->size - offset;
}

/* Is `string` at this place? */
static inline bool bytes_match(const struct bytes *bytes, uint64_t offset, const char *string) {
    size_t length = strlen(string);
    return bytes_has(bytes, offset, length) && memcmp(bytes->at + offset, string, length) == 0;
}

/* The caller has asked bytes_has. */
static inline uint16_t bytes_be16(const struct bytes *bytes, uint64_t offset) {
    const uint8_t *at = bytes->at + offset;
    return (uint16_t)(at[0] << 8 | at[1]);
}

static inline uint16_t bytes_le16(const struct bytes *bytes, uint64_t offset) {
    const uint8_t *at = bytes->at + offset;
    return (uint16_t)(at[1] << 8 | at[0]);
}

static inline uint32_t bytes_be32(const struct bytes *bytes, uint64_t offset) {
    return (uint32_t)bytes_be16(bytes, offset) << 16 | bytes_be16(bytes, offset + 2);
}

static inline uint32_t bytes_le24(const struct bytes *bytes, uint64_t offset) {
    return (uint32_t)bytes->at[offset + 2] << 16 | bytes_le16(bytes, offset);
}

static inline uint32_t bytes_le32(const struct bytes *bytes, uint64_t offset) {
    return (uint32_t)bytes_le16(bytes, offset + 2) << 16 | bytes_le16(bytes, offset);
}

#endif
