/* SPDX-License-Identifier: MIT */
#include "policy/tally.h"

#include <string.h>

/* What leads to the entry of this source, or to the end of the chain where it would be. */
static uint32_t *find(const struct tally *tally, const struct source *source)
{
    uint64_t hash = source_hash(source, 0, &tally->index->key);
    uint32_t *link = &tally->index->first[hash % tally->index->chains];

    while (*link > 0 && !source_equal(&tally->entries[*link - 1].source, source))
        link = &tally->entries[*link - 1].next;
    return link;
}

int tally_init(struct tally *tally)
{
    tally->index->chains = TALLY_CHAINS_MIN;
    return siphash_key_draw(&tally->index->key);
}

/* The number + 1 of an entry that is not in use, rather one that was; 0 when there is none. */
static uint32_t take_entry(struct tally *tally)
{
    struct tally_index *index = tally->index;
    uint32_t number = index->free;

    if (number > 0)
        index->free = tally->entries[number - 1].next;
    else if (index->touched < tally->capacity)
        number = ++index->touched;
    return number;
}

/* A new entry at the end of a chain. */
static bool append(struct tally *tally, uint32_t *link, const struct source *source)
{
    uint32_t number = take_entry(tally);

    if (number == 0)
        return false;
    tally->entries[number - 1] = (struct tally_entry){.source = *source, .count = 1};
    *link = number;
    tally->index->sources++;
    return true;
}

/* Takes an entry out of its chain. */
static void drop(struct tally *tally, uint32_t *link)
{
    uint32_t number = *link;
    struct tally_entry *entry = &tally->entries[number - 1];

    *link = entry->next;
    entry->next = tally->index->free;
    tally->index->free = number;
    tally->index->sources--;
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
    uint32_t *link = find(tally, source);

    if (*link > 0 && --tally->entries[*link - 1].count == 0)
        drop(tally, link);
}

bool tally_is_crowded(const struct tally *tally)
{
    return tally->index->sources > tally->index->chains && tally->index->chains < TALLY_CHAINS_MAX;
}

void tally_clear(struct tally *tally)
{
    struct tally_index *index = tally->index;
    uint32_t chains = TALLY_CHAINS_MIN;

    while (chains < TALLY_CHAINS_MAX && chains / 2 < index->sources)
        chains *= 2;
    index->chains = chains;
    index->sources = index->touched = index->free = 0;
    memset(index->first, 0, chains * sizeof(index->first[0]));
}
