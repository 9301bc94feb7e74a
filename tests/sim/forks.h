/* SPDX-License-Identifier: MIT
 *
 * Forks, as far as the parent sees them. */
#ifndef LEND_TESTS_SIM_FORKS_H
#define LEND_TESTS_SIM_FORKS_H

/* Run the handlers on the calling thread, and `look` where the fork would be: what it finds is what
 * the child would have. */
void sim_fork(void (*look)(void));

#endif
