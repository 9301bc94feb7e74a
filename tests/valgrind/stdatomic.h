/* SPDX-License-Identifier: MIT
 *
 * Atomics that Helgrind and DRD understand: first on the include path of a build for them.
 *
 * The two take an atomic word for a plain one that is raced for. Here each operation says what its
 * ordering means, to both: what is stored with release happens before what is loaded from there
 * with acquire, and accesses to the word itself are no race. A relaxed operation orders nothing,
 * here as in C11: what rests on one without a lock is reported. */
#ifndef LEND_TESTS_VALGRIND_STDATOMIC_H
#define LEND_TESTS_VALGRIND_STDATOMIC_H
#pragma GCC system_header

#include_next <stdatomic.h>
#include <valgrind/helgrind.h>

#include <valgrind/drd.h>

/* One request to either tool, of a word: by an address where no lock begins that may be in the same
 * memory before or after. */
#define atomic_told_request(request, word)                                                         \
    VALGRIND_DO_CLIENT_REQUEST_STMT((request), (char *)(word) + 1, 0, 0, 0, 0)

/* Whether DRD heeds what this thread reads and writes. */
#define atomic_told_heed(yes)                                                                      \
    do {                                                                                           \
        VALGRIND_DO_CLIENT_REQUEST_STMT(VG_USERREQ__DRD_RECORD_LOADS, (yes), 0, 0, 0, 0);          \
        VALGRIND_DO_CLIENT_REQUEST_STMT(VG_USERREQ__DRD_RECORD_STORES, (yes), 0, 0, 0, 0);         \
    } while (0)

#define atomic_told_order(order, least) ((order) == memory_order_seq_cst || (least))

/* Before an operation: its word is no race, and if it releases, what came before is seen by who
 * acquires. */
#define atomic_told_before(word, order)                                                            \
    do {                                                                                           \
        VALGRIND_HG_DISABLE_CHECKING((word), sizeof *(word));                                      \
        if (atomic_told_order((order), (order) == memory_order_release ||                          \
                                           (order) == memory_order_acq_rel)) {                     \
            atomic_told_request(_VG_USERREQ__HG_USERSO_SEND_PRE, (word));                          \
            atomic_told_request(VG_USERREQ__DRD_ANNOTATE_HAPPENS_BEFORE, (word));                  \
        }                                                                                          \
        atomic_told_heed(0);                                                                       \
    } while (0)

/* After one: if it acquires, it sees that. */
#define atomic_told_after(word, order)                                                             \
    do {                                                                                           \
        atomic_told_heed(1);                                                                       \
        if (atomic_told_order((order), (order) == memory_order_acquire ||                          \
                                           (order) == memory_order_acq_rel)) {                     \
            atomic_told_request(_VG_USERREQ__HG_USERSO_RECV_POST, (word));                         \
            atomic_told_request(VG_USERREQ__DRD_ANNOTATE_HAPPENS_AFTER, (word));                   \
        }                                                                                          \
    } while (0)

/* The operation between the two, as a value. */
#define atomic_told(word, order, operation)                                                        \
    (__extension__({                                                                               \
        atomic_told_before((word), (order));                                                       \
        __auto_type atomic_told_result_ = (operation);                                             \
        atomic_told_after((word), (order));                                                        \
        atomic_told_result_;                                                                       \
    }))

#undef atomic_init
#undef atomic_load
#undef atomic_load_explicit
#undef atomic_store
#undef atomic_store_explicit
#undef atomic_exchange
#undef atomic_exchange_explicit
#undef atomic_fetch_add
#undef atomic_fetch_add_explicit
#undef atomic_fetch_sub
#undef atomic_fetch_sub_explicit
#undef atomic_fetch_or
#undef atomic_fetch_or_explicit
#undef atomic_fetch_and
#undef atomic_fetch_and_explicit
#undef atomic_compare_exchange_weak
#undef atomic_compare_exchange_weak_explicit
#undef atomic_compare_exchange_strong
#undef atomic_compare_exchange_strong_explicit

#define atomic_init(w, v) atomic_store_explicit(w, v, memory_order_relaxed)
#define atomic_load_explicit(w, o)                                                                 \
    atomic_told(w, (o) == memory_order_seq_cst ? memory_order_acquire : (o), __atomic_load_n(w, o))
#define atomic_store_explicit(w, v, o)                                                             \
    (__extension__({                                                                               \
        atomic_told_before(w, o);                                                                  \
        __atomic_store_n(w, v, o);                                                                 \
        atomic_told_heed(1);                                                                       \
    }))
#define atomic_exchange_explicit(w, v, o) atomic_told(w, o, __atomic_exchange_n(w, v, o))
#define atomic_fetch_add_explicit(w, v, o) atomic_told(w, o, __atomic_fetch_add(w, v, o))
#define atomic_fetch_sub_explicit(w, v, o) atomic_told(w, o, __atomic_fetch_sub(w, v, o))
#define atomic_fetch_or_explicit(w, v, o) atomic_told(w, o, __atomic_fetch_or(w, v, o))
#define atomic_fetch_and_explicit(w, v, o) atomic_told(w, o, __atomic_fetch_and(w, v, o))
#define atomic_compare_exchange_weak_explicit(w, e, d, o, f)                                       \
    atomic_told(w, o, __atomic_compare_exchange_n(w, e, d, 1, o, f))
#define atomic_compare_exchange_strong_explicit(w, e, d, o, f)                                     \
    atomic_told(w, o, __atomic_compare_exchange_n(w, e, d, 0, o, f))

#define atomic_load(w) atomic_load_explicit(w, memory_order_seq_cst)
#define atomic_store(w, v) atomic_store_explicit(w, v, memory_order_seq_cst)
#define atomic_exchange(w, v) atomic_exchange_explicit(w, v, memory_order_seq_cst)
#define atomic_fetch_add(w, v) atomic_fetch_add_explicit(w, v, memory_order_seq_cst)
#define atomic_fetch_sub(w, v) atomic_fetch_sub_explicit(w, v, memory_order_seq_cst)
#define atomic_fetch_or(w, v) atomic_fetch_or_explicit(w, v, memory_order_seq_cst)
#define atomic_fetch_and(w, v) atomic_fetch_and_explicit(w, v, memory_order_seq_cst)
#define atomic_compare_exchange_weak(w, e, d)                                                      \
    atomic_compare_exchange_weak_explicit(w, e, d, memory_order_seq_cst, memory_order_seq_cst)
#define atomic_compare_exchange_strong(w, e, d)                                                    \
    atomic_compare_exchange_strong_explicit(w, e, d, memory_order_seq_cst, memory_order_seq_cst)

#endif
