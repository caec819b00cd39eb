/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Numbers 0 .. capacity - 1 that processes take from shared memory and give back, one bit each.
 * No lock: a process that dies between two instructions blocks nobody. The lowest free number is
 * taken first, so that what the numbers stand for stays small and warm.
 */
struct pool {
    _Atomic uint64_t *words;
    uint32_t capacity; /* a multiple of 64 */
};

/* The bytes that the words of a pool of this capacity need; all zero means all free. */
static inline size_t pool_bytes(uint32_t capacity)
{
    return capacity / 64 * sizeof(uint64_t);
}

/* The lowest free number below LIMIT, which is now taken, or -1. */
int64_t pool_take(struct pool *pool, uint32_t limit);

/* Gives back a number that was taken. */
void pool_give(struct pool *pool, uint32_t number);

/* The lowest taken number from FROM on, or -1. */
int64_t pool_next(const struct pool *pool, uint32_t from);
