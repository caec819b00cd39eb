/* SPDX-License-Identifier: MIT */
#include "client/load_pad.h"

#include <stdlib.h>
#include <string.h>

#include "client/pattern.h"

struct load_pad *load_pad_new(uint64_t seed)
{
    struct pattern random = pattern_random(seed, LOAD_PAD_PERIOD);
    struct load_pad *pad = malloc(sizeof(*pad));

    if (!pad)
        return NULL;
    pattern_fill(&random, 0, pad->bytes, LOAD_PAD_PERIOD);
    memcpy(pad->bytes + LOAD_PAD_PERIOD, pad->bytes, LOAD_PAD_RUN);
    return pad;
}
