/* SPDX-License-Identifier: MIT */
#pragma once

#include "base/pool.h"

/*
 * Buffers for what a peer does not take yet, in memory that all workers share: a connection that
 * moves to another worker takes its buffer along.
 */
enum { SPILL_BYTES = 65536 };

struct spill {
    struct pool pool;
    uint8_t *base; /* of pool.capacity buffers, page-aligned */
};

/* The number of a free buffer, or -1. */
int64_t spill_take(struct spill *spill);

void spill_give(struct spill *spill, uint32_t number);

static inline uint8_t *spill_at(const struct spill *spill, uint32_t number)
{
    return spill->base + (size_t)number * SPILL_BYTES;
}
