/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/siphash.h"
#include "policy/source.h"

/*
 * How many connections each source has open: a hash table in shared memory. It has an entry for
 * each source that has any, so it needs no more of them than there are connections, and who fills
 * it has to be connected that often. Whoever uses it holds a lock on it, see net/ledger.h.
 *
 * Chains stay short as their number follows that of the sources: but only whoever can count all
 * anew can give the table another size.
 */

enum { TALLY_CHAINS_MIN = 1 << 12, TALLY_CHAINS_MAX = 1 << 20 };

struct tally_entry {
    struct source source;
    uint32_t count;
    uint32_t next; /* in its chain, or of the free ones: number + 1, 0 at the end */
};

struct tally_index {
    struct siphash_key key;           /* so that nobody can choose a chain to make long */
    uint32_t chains;                  /* a power of two */
    uint32_t sources;                 /* entries in use */
    uint32_t touched;                 /* entries that were ever in use: those below this number */
    uint32_t free;                    /* the first of these that is not in use, as in next */
    uint32_t first[TALLY_CHAINS_MAX]; /* as in next */
};

struct tally {
    struct tally_index *index;
    struct tally_entry *entries;
    uint32_t capacity; /* of entries */
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

/* Whether there are more sources than chains: then it is time to clear it and to count anew. */
bool tally_is_crowded(const struct tally *tally);

/* All begins anew, with room for twice the sources that there were. The key stays. */
void tally_clear(struct tally *tally);
