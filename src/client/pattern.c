/* SPDX-License-Identifier: MIT */
#include "client/pattern.h"

#include <endian.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "client/difference.h"

enum { WORD = sizeof(uint64_t) };

struct pattern pattern_message(const char *text)
{
    return (struct pattern){.message = text, .size = strlen(text)};
}

struct pattern pattern_random(uint64_t seed, uint64_t size)
{
    return (struct pattern){.seed = seed, .size = size};
}

uint64_t pattern_new_seed(void)
{
    uint64_t seed;
    struct timespec now;

    if (getrandom(&seed, sizeof(seed), GRND_NONBLOCK) == (ssize_t)sizeof(seed))
        return seed;
    /* Early in boot: bytes that differ from run to run still make a good check. */
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec << 30 ^ (uint64_t)now.tv_nsec;
}

/*
 * SplitMix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators, 2014) with its
 * counter taken from outside: the INDEXth word of the sequence, in little-endian order.
 */
static uint64_t random_word(uint64_t seed, uint64_t index)
{
    uint64_t z = seed + (index + 1) * UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return htole64(z ^ z >> 31);
}

static void random_fill(uint64_t seed, uint64_t offset, unsigned char *buffer, size_t length)
{
    while (length > 0) {
        uint64_t word = random_word(seed, offset / WORD);
        size_t skip = offset % WORD;
        size_t part = WORD - skip < length ? WORD - skip : length;

        if (part == WORD)
            memcpy(buffer, &word, WORD); /* a constant size: one store */
        else
            memcpy(buffer, (unsigned char *)&word + skip, part);
        buffer += part;
        offset += part;
        length -= part;
    }
}

void pattern_fill(const struct pattern *pattern, uint64_t offset, void *buffer, size_t length)
{
    if (pattern->message)
        memcpy(buffer, pattern->message + offset, length);
    else
        random_fill(pattern->seed, offset, buffer, length);
}

size_t pattern_mismatch(const struct pattern *pattern, uint64_t offset, const void *buffer,
                        size_t length)
{
    const unsigned char *found = buffer;
    unsigned char expected[4096];
    size_t done = 0;

    while (done < length) {
        size_t part = length - done < sizeof(expected) ? length - done : sizeof(expected);
        size_t same;

        pattern_fill(pattern, offset + done, expected, part);
        same = first_difference(expected, found + done, part);
        done += same;
        if (same < part)
            break;
    }
    return done;
}

uint8_t pattern_byte(const struct pattern *pattern, uint64_t offset)
{
    uint8_t byte;

    pattern_fill(pattern, offset, &byte, 1);
    return byte;
}
