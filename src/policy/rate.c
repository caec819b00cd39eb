/* SPDX-License-Identifier: MIT */
#include "policy/rate.h"

/*
 * A word: TAG_BITS of the hash, then the time until which the rate is used up, in nanoseconds and
 * modulo 2^46, which is 19 hours. A time further ahead than a burst can bring it, with room for the
 * callers' clocks to differ, lies in the past: an entry from long ago, and no debt.
 *
 * Neither part is as long as one would like. Of the newcomers to a bucket full of debtors one in
 * 32,768 takes the word of one of them for its own; and who comes back after just so many times 19
 * hours, if nobody took its word meanwhile, may find itself in debt for up to four seconds.
 */
enum { TIME_BITS = 46, NSEC_PER_USEC = 1000 };

#define TIME_MASK ((UINT64_C(1) << TIME_BITS) - 1)
#define NSEC_PER_SEC UINT64_C(1000000000)
#define DEBT_MAX (4 * NSEC_PER_SEC)

int rates_init(struct rates *rates)
{
    return siphash_key_draw(&rates->key);
}

/* How long the source would have to keep quiet until all is forgotten. */
static inline uint64_t debt(uint64_t word, uint64_t now)
{
    uint64_t ahead = (word - now) & TIME_MASK;

    return ahead <= DEBT_MAX ? ahead : 0;
}

/* The word of this tag in a bucket; else the one that owes least. Its value is ret_word. */
static _Atomic uint64_t *find(_Atomic uint64_t *bucket, uint64_t tag, uint64_t now,
                              uint64_t *ret_word)
{
    _Atomic uint64_t *least = NULL;
    uint64_t least_word = 0;

    for (unsigned i = 0; i < RATE_WAYS; i++) {
        uint64_t word = atomic_load_explicit(&bucket[i], memory_order_relaxed);

        if (word >> TIME_BITS == tag) {
            *ret_word = word;
            return &bucket[i];
        }
        if (!least || debt(word, now) < debt(least_word, now)) {
            least = &bucket[i];
            least_word = word;
        }
    }
    *ret_word = least_word;
    return least;
}

bool rate_allows(struct rates *rates, enum rate_kind kind, const struct source *source,
                 uint32_t per_second, uint64_t now_usec)
{
    uint64_t now = now_usec * NSEC_PER_USEC, interval, hash, tag, owed, word, next;
    _Atomic uint64_t *entry;

    if (per_second == 0 || source_is_none(source))
        return true;
    hash = source_hash(source, (uint8_t)kind, &rates->key);
    tag = hash >> TIME_BITS;
    interval = NSEC_PER_SEC / per_second;
    do {
        entry = find(rates->word[hash % RATE_BUCKETS], tag, now, &word);
        owed = word >> TIME_BITS == tag ? debt(word, now) : 0;
        if (owed > interval * (per_second - 1))
            return false;
        next = tag << TIME_BITS | ((now + owed + interval) & TIME_MASK);
    } while (!atomic_compare_exchange_weak_explicit(entry, &word, next, memory_order_relaxed,
                                                    memory_order_relaxed));
    return true;
}
