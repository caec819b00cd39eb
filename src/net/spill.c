/* SPDX-License-Identifier: MIT */
#include "net/spill.h"

#include <sys/mman.h>

/*
 * As the lowest free slot is taken first, the first few buffers serve all but a crowd. They keep
 * their memory: giving it back and getting it zeroed again costs more than it is worth.
 */
enum { KEPT = 64 };

void spill_release(uint8_t *base, uint32_t number)
{
    if (number >= KEPT)
        (void)madvise(spill_at(base, number), SPILL_BYTES, MADV_REMOVE); /* A hint: may fail. */
}
