/* SPDX-License-Identifier: MIT
 *
 * What every other header of lend stands on: the version, how symbols are exported, and the few
 * attributes that let a compiler refuse a mistake. */
#ifndef LEND_BASE_H
#define LEND_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LEND_VERSION_MAJOR 0
#define LEND_VERSION_MINOR 1
#define LEND_VERSION_PATCH 0
#define LEND_VERSION "0.1.0"

/* Exported from the shared library; everything without it is hidden. */
#define LEND_API __attribute__((__visibility__("default")))

/* The result says whether anything was done at all, so dropping it is a warning. */
#define LEND_NODISCARD __attribute__((__warn_unused_result__))

/* Arguments are checked like printf's: `format` and `first` count parameters from 1. */
#define LEND_PRINTF(format, first) __attribute__((__format__(__printf__, format, first)))

#ifdef __cplusplus
#define LEND_BEGIN_DECLS extern "C" {
#define LEND_END_DECLS }
#else
#define LEND_BEGIN_DECLS
#define LEND_END_DECLS
#endif

LEND_BEGIN_DECLS

/* The version of the library that is linked, "major.minor.patch"; LEND_VERSION is that of the
 * headers. The string is static. */
LEND_API const char *lend_version(void);

LEND_END_DECLS

#endif
