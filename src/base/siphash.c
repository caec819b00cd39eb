/* SPDX-License-Identifier: MIT */
#include "base/siphash.h"

#include <endian.h>
#include <errno.h>
#include <string.h>
#include <sys/random.h>

enum { WORD = sizeof(uint64_t), COMPRESSION_ROUNDS = 2, FINALIZATION_ROUNDS = 4 };

struct state {
    uint64_t v0, v1, v2, v3;
};

static uint64_t rotate(uint64_t word, unsigned bits)
{
    return word << bits | word >> (64 - bits);
}

/* SipRound, figure 2.1 of the paper. */
static inline void mix(struct state *s, unsigned rounds)
{
    while (rounds-- > 0) {
        s->v0 += s->v1;
        s->v2 += s->v3;
        s->v1 = rotate(s->v1, 13) ^ s->v0;
        s->v3 = rotate(s->v3, 16) ^ s->v2;
        s->v0 = rotate(s->v0, 32);
        s->v2 += s->v1;
        s->v0 += s->v3;
        s->v1 = rotate(s->v1, 17) ^ s->v2;
        s->v3 = rotate(s->v3, 21) ^ s->v0;
        s->v2 = rotate(s->v2, 32);
    }
}

static inline void absorb(struct state *s, uint64_t word)
{
    s->v3 ^= word;
    mix(s, COMPRESSION_ROUNDS);
    s->v0 ^= word;
}

/* Up to eight bytes as a little-endian number. */
static inline uint64_t word_at(const uint8_t *bytes, size_t length)
{
    uint64_t word = 0;

    memcpy(&word, bytes, length);
    return le64toh(word);
}

uint64_t siphash(const struct siphash_key *key, const void *data, size_t length)
{
    /* "somepseudorandomlygeneratedbytes" */
    struct state s = {
        .v0 = key->k0 ^ UINT64_C(0x736f6d6570736575),
        .v1 = key->k1 ^ UINT64_C(0x646f72616e646f6d),
        .v2 = key->k0 ^ UINT64_C(0x6c7967656e657261),
        .v3 = key->k1 ^ UINT64_C(0x7465646279746573),
    };
    const uint8_t *bytes = data;
    size_t left = length;

    for (; left >= WORD; left -= WORD, bytes += WORD)
        absorb(&s, word_at(bytes, WORD));
    absorb(&s, word_at(bytes, left) | (uint64_t)length << 56);
    s.v2 ^= 0xff;
    mix(&s, FINALIZATION_ROUNDS);
    return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}

int siphash_key_draw(struct siphash_key *ret)
{
    struct siphash_key key;
    ssize_t n;

    do
        n = getrandom(&key, sizeof(key), 0); /* So few bytes come at once, or not at all. */
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return -errno;
    *ret = key;
    return 0;
}
