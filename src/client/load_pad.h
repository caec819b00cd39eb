/* SPDX-License-Identifier: MIT */
#pragma once

#include <stddef.h>
#include <stdint.h>

/*
 * What the connections of a load send: all the same random bytes, over and over, each beginning
 * elsewhere. To send is to point at them, and to verify is one memcmp(3), which is what makes it
 * cheap to verify at all. The period is a prime, and larger than any depth: no two messages under
 * way on a connection have the same bytes, unless they are too short to differ.
 */
enum {
    LOAD_PAD_PERIOD = 131071,
    LOAD_PAD_STRIDE = 50021, /* between the beginnings of one connection and of the next */
    LOAD_PAD_RUN = 64 * 1024,
};

struct load_pad {
    unsigned char bytes[LOAD_PAD_PERIOD + LOAD_PAD_RUN];
};

/* For free(3). NULL: no memory. */
struct load_pad *load_pad_new(uint64_t seed);

/* What stands at OFFSET of all that CONNECTION sends: LOAD_PAD_RUN bytes in a row. */
static inline const unsigned char *load_pad_at(const struct load_pad *pad, unsigned connection,
                                               uint64_t offset)
{
    return &pad->bytes[((uint64_t)connection * LOAD_PAD_STRIDE + offset) % LOAD_PAD_PERIOD];
}
