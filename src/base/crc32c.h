/* SPDX-License-Identifier: MIT */
#pragma once

#include <stddef.h>
#include <stdint.h>

/*
 * CRC32c, the checksum of RFC 4960, Appendix B. CRC is 0, or what the bytes before these have come
 * to: pieces one after the other give the checksum of the whole.
 */
uint32_t crc32c(uint32_t crc, const void *bytes, size_t size);
