/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/pool.h"
#include "base/siphash.h"
#include "policy/source.h"

/*
 * How many connections each source has open: a hash table in shared memory. It has an entry for
 * each source that has any, so it needs no more of them than there are connections, and who fills
 * it has to be connected that often. Whoever uses it holds a lock on it, see net/ledger.h.
 */

enum { TALLY_CHAINS = 1 << 16 };

struct tally_entry {
    struct source source;
    uint32_t count;
    uint32_t next; /* in its chain: number + 1, 0 at the end */
};

struct tally_index {
    struct siphash_key key;       /* so that nobody can choose a chain to make long */
    uint32_t first[TALLY_CHAINS]; /* as in next */
};

struct tally {
    struct tally_index *index;
    struct pool pool; /* of the entries */
    struct tally_entry *entries;
};

/* Zeroed memory becomes an empty tally. 0 or -errno. */
int tally_init(struct tally *tally);

/*
 * One more of this source, unless it has MOST already, 0 being no limit: false then. As many
 * connections as there are entries must not be exceeded.
 */
bool tally_add(struct tally *tally, const struct source *source, uint32_t most);

/* One less of a source that was added. */
void tally_remove(struct tally *tally, const struct source *source);

uint32_t tally_count(const struct tally *tally, const struct source *source);

/* All begins anew. The key stays. */
void tally_clear(struct tally *tally);
