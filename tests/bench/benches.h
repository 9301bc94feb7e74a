/* SPDX-License-Identifier: MIT
 *
 * The benchmarks: each gets its name and what follows it on the command line, and returns an exit
 * status. */
#ifndef LEND_BENCH_BENCHES_H
#define LEND_BENCH_BENCHES_H

int bench_pools(int argc, char **argv);
int bench_executor(int argc, char **argv);
int bench_waiters(int argc, char **argv);
int bench_memory(int argc, char **argv);
int bench_ocr(int argc, char **argv);

#endif
