/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/siphash.h"
#include "policy/source.h"

/*
 * How much each source did lately, in memory that all workers share: the generic cell rate
 * algorithm (ITU-T I.371) with one second's worth as its burst. Of a source and kind there is one
 * 64-bit word, which is changed by compare-and-exchange: no lock, no two processes that count the
 * same message once, and nothing to repair after one that died.
 *
 * The word has part of a keyed hash of the source, by which it is found, and the time until which
 * the source has used its rate up. How far that lies ahead is what the source owes; when it has
 * passed, the entry says nothing that its absence would not. A bucket has RATE_WAYS words; for one
 * more source the entry that owes least is given up. So the table never grows, newcomers are always
 * let in, and who owes much is remembered while there are others in the bucket who owe less.
 */

enum { RATE_BUCKETS = 1 << 14, RATE_WAYS = 8 };

enum rate_kind { RATE_CONNECTIONS, RATE_DATAGRAMS };

struct rates {
    struct siphash_key key; /* so that nobody can choose a bucket to fill */
    _Alignas(64) _Atomic uint64_t word[RATE_BUCKETS][RATE_WAYS]; /* a bucket is a cache line */
};

/* Zeroed memory becomes an empty table. 0 or -errno. */
int rates_init(struct rates *rates);

/*
 * Whether one more is within the rate, which it is then counted towards; what is not within it
 * changes nothing. PER_SECOND: up to 1,000,000, 0 for no limit. NOW_USEC: clock_usec(), at most a
 * second or two old. Who is no source is always let through.
 */
bool rate_allows(struct rates *rates, enum rate_kind kind, const struct source *source,
                 uint32_t per_second, uint64_t now_usec);
