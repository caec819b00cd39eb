/* SPDX-License-Identifier: MIT */
#include "policy/tally.h"

#include <string.h>

static bool same_source(const struct source *a, const struct source *b)
{
    return a->network.length == b->network.length &&
           IN6_ARE_ADDR_EQUAL(&a->network.address, &b->network.address);
}

/* What leads to the entry of this source, or to the end of the chain where it would be. */
static uint32_t *find(const struct tally *tally, const struct source *source)
{
    uint64_t hash = source_hash(source, 0, &tally->index->key);
    uint32_t *link = &tally->index->first[hash % TALLY_CHAINS];

    while (*link > 0 && !same_source(&tally->entries[*link - 1].source, source))
        link = &tally->entries[*link - 1].next;
    return link;
}

int tally_init(struct tally *tally)
{
    return siphash_key_draw(&tally->index->key);
}

/* A new entry at the end of a chain. */
static bool append(struct tally *tally, uint32_t *link, const struct source *source)
{
    int64_t number = pool_take(&tally->pool, tally->pool.capacity);

    if (number < 0)
        return false;
    tally->entries[number] = (struct tally_entry){.source = *source, .count = 1};
    *link = (uint32_t)number + 1;
    return true;
}

bool tally_add(struct tally *tally, const struct source *source, uint32_t most)
{
    uint32_t *link = find(tally, source);
    struct tally_entry *entry;

    if (*link == 0)
        return append(tally, link, source);
    entry = &tally->entries[*link - 1];
    if (most > 0 && entry->count >= most)
        return false;
    entry->count++;
    return true;
}

void tally_remove(struct tally *tally, const struct source *source)
{
    uint32_t *link = find(tally, source), number = *link;
    struct tally_entry *entry;

    if (number == 0)
        return;
    entry = &tally->entries[number - 1];
    if (--entry->count > 0)
        return;
    *link = entry->next;
    pool_give(&tally->pool, number - 1);
}

uint32_t tally_count(const struct tally *tally, const struct source *source)
{
    uint32_t number = *find(tally, source);

    return number > 0 ? tally->entries[number - 1].count : 0;
}

void tally_clear(struct tally *tally)
{
    memset(tally->index->first, 0, sizeof(tally->index->first));
    memset((void *)tally->pool.words, 0, pool_bytes(tally->pool.capacity));
}
