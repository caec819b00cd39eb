/* SPDX-License-Identifier: MIT */
#pragma once

#include <stddef.h>
#include <stdint.h>

/*
 * Buffers for what a peer does not take yet, in memory that all workers share: the slot with
 * number n has buffer n, whoever owns it. So there is nothing to hand out, nothing to run out of,
 * and nothing to lose when a worker dies; a buffer that was never written to takes no memory.
 */
enum { SPILL_BYTES = 65536 };

static inline uint8_t *spill_at(uint8_t *base, uint32_t number)
{
    return base + (size_t)number * SPILL_BYTES;
}

/* The buffer is empty: its memory goes back to the kernel. BASE is page-aligned. */
void spill_release(uint8_t *base, uint32_t number);
