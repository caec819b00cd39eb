/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdatomic.h>
#include <stdint.h>

#include "policy/drop.h"

/*
 * The counters of one worker, in shared memory. The worker alone writes them, anybody reads: so
 * each is one plain store, never torn, and no lock.
 */
struct stats {
    _Atomic uint64_t accepting;   /* 1 from its start until it accepts no more, pauses included */
    _Atomic uint64_t connections; /* open now */
    _Atomic uint64_t accepted;    /* so far, those refused included */
    _Atomic uint64_t refused;     /* of these, reset: denied, for a limit, or for a bad header */
    _Atomic uint64_t received;    /* bytes */
    _Atomic uint64_t sent;        /* bytes */
    _Atomic uint64_t unreported;  /* reports that the supervisor had no room for */
    _Atomic uint64_t denied;      /* of those refused, by access.allow and access.deny */
    _Atomic uint64_t over_rate;   /* ... for limits.connection_rate_per_source */
    _Atomic uint64_t over_source; /* ... for limits.connections_per_source */
    _Atomic uint64_t over_total;  /* ... for limits.connections */
    _Atomic uint64_t bad_headers; /* ... for want of a sound PROXY header */
    _Atomic uint64_t datagrams;   /* received; their bytes count as received, too */
    _Atomic uint64_t answered;    /* of these */
    _Atomic uint64_t dropped[DROP_KINDS]; /* of these, by reason */
};

static inline uint64_t stats_read(const _Atomic uint64_t *counter)
{
    return atomic_load_explicit(counter, memory_order_relaxed);
}

static inline void stats_set(_Atomic uint64_t *counter, uint64_t value)
{
    atomic_store_explicit(counter, value, memory_order_relaxed);
}

static inline void stats_add(_Atomic uint64_t *counter, uint64_t n)
{
    stats_set(counter, stats_read(counter) + n);
}

static inline void stats_sub(_Atomic uint64_t *counter, uint64_t n)
{
    stats_set(counter, stats_read(counter) - n);
}

/* Adds each counter of FROM to its like in TO, but for what only one worker can say of itself. */
void stats_sum(struct stats *to, const struct stats *from);

/* The datagrams that were not answered, whatever for. */
uint64_t stats_dropped(const struct stats *stats);

/* The worker is gone, and with it whatever is not "so far". */
void stats_end(struct stats *stats);
