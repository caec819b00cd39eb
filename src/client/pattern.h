/* SPDX-License-Identifier: MIT */
#pragma once

#include <stddef.h>
#include <stdint.h>

/*
 * What the client sends: a given message, or pseudo-random bytes. Each byte is a pure function of
 * the pattern and its offset, so that any length can be verified without keeping what was sent.
 */
struct pattern {
    const char *message; /* SIZE bytes, not owned; NULL: pseudo-random bytes from SEED */
    uint64_t seed;
    uint64_t size; /* bytes */
};

struct pattern pattern_message(const char *text);

/* The same seed gives the same bytes, on every machine. */
struct pattern pattern_random(uint64_t seed, uint64_t size);

/* A seed that nobody can know beforehand: a server cannot have the answer ready. */
uint64_t pattern_new_seed(void);

/* Writes the bytes OFFSET .. OFFSET + LENGTH - 1, which lie within the pattern's size. */
void pattern_fill(const struct pattern *pattern, uint64_t offset, void *buffer, size_t length);

/* The index of the first byte that is not as pattern_fill() would have it, or LENGTH. */
size_t pattern_mismatch(const struct pattern *pattern, uint64_t offset, const void *buffer,
                        size_t length);

/* The one byte at OFFSET. */
uint8_t pattern_byte(const struct pattern *pattern, uint64_t offset);
