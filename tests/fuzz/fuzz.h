/* SPDX-License-Identifier: MIT
 *
 * What libFuzzer calls, and replay.c in its place where there is none. */
#ifndef LEND_TESTS_FUZZ_FUZZ_H
#define LEND_TESTS_FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C"
#endif
    int
    LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
