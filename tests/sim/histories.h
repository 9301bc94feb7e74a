/* SPDX-License-Identifier: MIT
 *
 * The set of histories that were met, so that nothing counts twice. */
#ifndef LEND_TESTS_SIM_HISTORIES_H
#define LEND_TESTS_SIM_HISTORIES_H

#include <stdint.h>

void histories_add(uint64_t history);
uint64_t histories_count(void);

#endif
