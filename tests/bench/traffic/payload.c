/* SPDX-License-Identifier: MIT */
#include "traffic/payload.h"

#include <string.h>

static uint64_t mix(uint64_t x)
{
    x ^= x >> 32;
    x *= UINT64_C(0xd6e8feb86659fd93);
    return x ^ x >> 32;
}

void payload_fill(uint8_t *buffer, size_t size, uint64_t connection, uint64_t message)
{
    uint64_t state = mix(connection << 40 ^ message ^ UINT64_C(0x9e3779b97f4a7c15));
    size_t done = 0;

    for (; size - done >= sizeof(state); done += sizeof(state)) {
        memcpy(buffer + done, &state, sizeof(state));
        state += UINT64_C(0x9e3779b97f4a7c15);
    }
    memcpy(buffer + done, &state, size - done);
}
