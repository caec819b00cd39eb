/* SPDX-License-Identifier: MIT */
#include "base/pool.h"

enum { BITS = 64 };

/* Sets the lowest clear bit of a word: its index, or BITS when there is none. */
static unsigned word_take(_Atomic uint64_t *word)
{
    uint64_t taken = atomic_load_explicit(word, memory_order_relaxed);

    while (taken != UINT64_MAX) {
        unsigned bit = (unsigned)__builtin_ctzll(~taken);

        if (atomic_compare_exchange_weak_explicit(word, &taken, taken | UINT64_C(1) << bit,
                                                  memory_order_acquire, memory_order_relaxed))
            return bit;
    }
    return BITS;
}

int64_t pool_take(struct pool *pool, uint32_t limit)
{
    if (limit > pool->capacity)
        limit = pool->capacity;
    for (uint32_t i = 0; i * BITS < limit; i++) {
        unsigned bit = word_take(&pool->words[i]);

        if (bit == BITS)
            continue;
        if (i * BITS + bit < limit)
            return i * BITS + bit;
        pool_give(pool, i * BITS + bit); /* beyond the limit, inside the last word */
        break;
    }
    return -1;
}

void pool_give(struct pool *pool, uint32_t number)
{
    uint64_t bit = UINT64_C(1) << number % BITS;

    (void)atomic_fetch_and_explicit(&pool->words[number / BITS], ~bit, memory_order_release);
}

int64_t pool_next(const struct pool *pool, uint32_t from)
{
    for (uint32_t i = from / BITS; i * BITS < pool->capacity; i++) {
        uint64_t taken = atomic_load_explicit(&pool->words[i], memory_order_acquire);

        if (i == from / BITS)
            taken &= UINT64_MAX << from % BITS;
        if (taken)
            return (int64_t)i * BITS + __builtin_ctzll(taken);
    }
    return -1;
}
