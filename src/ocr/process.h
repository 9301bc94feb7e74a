/* SPDX-License-Identifier: MIT
 *
 * What the engine shares with the whole process: its output, and the threads it starts. */
#ifndef LEND_SRC_OCR_PROCESS_H
#define LEND_SRC_OCR_PROCESS_H

/* Silence the engine and Leptonica and find OpenMP. Done once, whoever asks; the others wait. */
void lend__process_prepare(void);

/* Keep the engine on the calling thread. Returns what lend__engine_threads_restore takes. After
 * lend__process_prepare. */
int lend__engine_threads_cap(void);
void lend__engine_threads_restore(int levels);

#endif
