/* SPDX-License-Identifier: MIT
 *
 * Probes for tracers (bpftrace, perf, SystemTap), in builds for which sys/sdt.h was there (Debian:
 * systemtap-sdt-dev): each is one nop and a note in the library until somebody attaches.
 *
 *     bpftrace -e 'usdt:/usr/lib/liblend.so:lend:timeout { printf("%s\n", str(arg0)); }'
 *
 *     acquire, grant, release, timeout, load, load_failed    (name of the pool, slot or -1) */
#ifndef LEND_SRC_BASE_PROBE_H
#define LEND_SRC_BASE_PROBE_H

#if defined(__has_include)
#if __has_include(<sys/sdt.h>)
#include <sys/sdt.h>
#endif
#endif

/* The header's own macros are not pedantic, and clang looks into them. */
#ifdef STAP_PROBE2
#define PROBE(name, pool, slot)                                                                    \
    do {                                                                                           \
        _Pragma("GCC diagnostic push");                                                            \
        _Pragma("GCC diagnostic ignored \"-Wpedantic\"");                                          \
        STAP_PROBE2(lend, name, pool, slot);                                                       \
        _Pragma("GCC diagnostic pop");                                                             \
    } while (0)
#else
#define PROBE(name, pool, slot) ((void)(pool), (void)(slot))
#endif

#endif
