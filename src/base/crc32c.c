/* SPDX-License-Identifier: MIT */
#include "base/crc32c.h"

/* The polynomial 0x1edc6f41 with its bits reversed. */
static const uint32_t POLYNOMIAL = 0x82f63b78;

/* Bit by bit: what it is for are a few hundred bytes once in a connection. */
uint32_t crc32c(uint32_t crc, const void *bytes, size_t size)
{
    const uint8_t *byte = bytes;

    crc = ~crc;
    for (; size > 0; size--) {
        crc ^= *byte++;
        for (unsigned bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (POLYNOMIAL & -(crc & 1));
    }
    return ~crc;
}
