/* SPDX-License-Identifier: MIT */
#include "net/spill.h"

#include <sys/mman.h>

/*
 * As the lowest numbers are taken first, the first few buffers serve all but a flood; they keep
 * their memory. Beyond them it goes back to the kernel at once.
 */
enum { KEPT = 32 };

int64_t spill_take(struct spill *spill)
{
    return pool_take(&spill->pool, spill->pool.capacity);
}

void spill_give(struct spill *spill, uint32_t number)
{
    if (number >= KEPT)
        (void)madvise(spill_at(spill, number), SPILL_BYTES, MADV_REMOVE); /* A hint: may fail. */
    pool_give(&spill->pool, number);
}
