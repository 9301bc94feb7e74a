/* SPDX-License-Identifier: MIT
 *
 * Which call fails. Every call that can fail asks here; the n-th of them since the arming strikes,
 * and, from then on, none or all the others.
 *
 * A place is where in the core's machine code such a call returns to. The list of them is made from
 * the linked program (sites.awk) and handed over in a file, so that a place that no scenario comes
 * to is known by name. All of this lies in memory that the children of a fork share. */
#ifndef LEND_TESTS_FAULTS_INJECT_H
#define LEND_TESTS_FAULTS_INJECT_H

#include <stdbool.h>
#include <stdint.h>

enum fault_mode { FAULT_ONCE, FAULT_FROM_THEN_ON };

/* Read the list. Ends the program if there is none. */
void faults_init(const char *path);

/* The places at which the caller's own functions fail: those that lend calls back. */
void faults_add(const char *name);

/* Let the n-th call fail, counted from 1; and let no call fail any more. */
void faults_arm(enum fault_mode mode, unsigned n);
void faults_disarm(void);

/* While they are held off, none strikes and no call is counted. */
void faults_hold_off(bool held_off);

/* Let the first call from one place fail instead: the index of a place at which none has failed in
 * this mode, though it was reached; -1 if there is none from `index` on. */
int faults_left(enum fault_mode mode, int index);
void faults_aim(enum fault_mode mode, int index);

/* Did any since the arming? Where was the first, in words? */
bool faults_struck(void);
const char *faults_first(void);

/* Is it this call's turn? */
bool fault_strikes(const char *symbol, const void *address);

/* The same for a failure that nothing in the world repeats for ever: an interrupted wait. */
bool fault_interrupts(const char *symbol, const void *address);

/* Print the number of places, and each at which no call failed in one of the modes. Returns how
 * many those are. */
unsigned faults_report(void);

/* What was taken from the C library and what was given back, in pairs: the difference. */
enum fault_pair {
    PAIR_MEMORY,
    PAIR_MUTEX,
    PAIR_THREAD,
    PAIR_FILE,
    PAIR_DESCRIPTOR,
    PAIRS,
};

void fault_took(enum fault_pair pair);
void fault_gave(enum fault_pair pair);

/* Print what is not in balance. Returns how many pairs that is. */
unsigned faults_imbalance(void);

#endif
