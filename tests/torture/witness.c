/* SPDX-License-Identifier: MIT */
#include "torture/witness.h"

#include <stdbool.h>
#include <string.h>

/* How far off bytes are looked for: more than sockets, pipes and buffers on the way can hold. */
enum { FAR = 16 << 20, CHUNK = 65536, TOO_FEW = 4 };

void witness_init(struct witness *witness, uint64_t seed)
{
    *witness = (struct witness){.pattern = pattern_random(seed, UINT64_MAX)};
}

const char *finding_name(enum finding_kind kind)
{
    static const char *const names[FINDING_KINDS] = {"lost", "doubled", "reordered", "corrupted"};

    return names[kind];
}

static unsigned found(struct witness *witness, enum finding_kind kind, uint64_t offset,
                      uint64_t size)
{
    witness->last = (struct finding){.kind = kind, .offset = offset, .size = size};
    witness->counts[kind] += size;
    return 1;
}

/* The first offset from BEGIN on, and before END, at which the stream has these bytes, or END. */
static uint64_t look_for(const struct witness *witness, uint64_t begin, uint64_t end,
                         const uint8_t *bytes, size_t size)
{
    static uint8_t chunk[CHUNK + WITNESS_PROOF];

    for (; begin < end; begin += CHUNK) {
        uint64_t left = end - begin;
        size_t length = (left < CHUNK ? (size_t)left : CHUNK) + size - 1;
        const uint8_t *hit;

        pattern_fill(&witness->pattern, begin, chunk, length);
        hit = memmem(chunk, length, bytes, size);
        if (hit)
            return begin + (uint64_t)(hit - chunk);
    }
    return end;
}

static unsigned jump_forward(struct witness *witness, uint64_t to)
{
    uint64_t from = witness->at > witness->highest ? witness->at : witness->highest;

    witness->at = to;
    if (to <= from)
        return 0; /* Back from where it had jumped to. */
    witness->gap_begin = from;
    witness->gap_end = to;
    return found(witness, LOST, from, to - from);
}

static unsigned jump_back(struct witness *witness, uint64_t to)
{
    uint64_t from = witness->at;
    uint64_t late = witness->gap_end - to;

    witness->at = to;
    if (to < witness->gap_begin || to >= witness->gap_end)
        return found(witness, DOUBLED, from, from - to);
    witness->counts[LOST] -= late;
    witness->gap_end = to;
    return found(witness, REORDERED, from, late);
}

/* Where do these bytes belong? False: nowhere. */
static bool jump(struct witness *witness, const uint8_t *bytes, size_t size, uint64_t sent,
                 unsigned *findings)
{
    uint64_t at = witness->at;
    uint64_t low = at > FAR ? at - FAR : 0;
    uint64_t high = sent < at + FAR ? sent : at + FAR;
    uint64_t to;

    if (size < TOO_FEW)
        return false;
    if (size > WITNESS_PROOF)
        size = WITNESS_PROOF;
    to = at < high ? look_for(witness, at + 1, high, bytes, size) : high;
    if (at < high && to < high) {
        *findings += jump_forward(witness, to);
        return true;
    }
    to = look_for(witness, low, at, bytes, size);
    if (to < at)
        *findings += jump_back(witness, to);
    return to < at;
}

/* A byte that is not the stream's stands for the one that was due, if one was. */
static unsigned take_strange(struct witness *witness, uint64_t sent)
{
    uint64_t offset = witness->at;

    witness->right = 0;
    if (witness->at < sent)
        witness->at++;
    if (witness->at > witness->highest)
        witness->highest = witness->at;
    if (witness->strange++ == 0)
        return found(witness, CORRUPTED, offset, 1);
    witness->counts[CORRUPTED]++;
    witness->last.size++;
    return 0;
}

/* How many of the bytes are those that are due. */
static size_t accept(struct witness *witness, const uint8_t *bytes, size_t size, uint64_t sent)
{
    uint64_t due = sent > witness->at ? sent - witness->at : 0;
    size_t n = pattern_mismatch(&witness->pattern, witness->at, bytes, size < due ? size : due);

    witness->at += n;
    if (witness->at > witness->highest)
        witness->highest = witness->at;
    witness->right += n;
    if (witness->right >= WITNESS_PROOF)
        witness->strange = 0;
    return n;
}

/* Looking for bytes takes long: after the first strange byte, the second, the fourth, ... */
static bool worth_looking(const struct witness *witness)
{
    return (witness->strange & (witness->strange - 1)) == 0;
}

unsigned witness_see(struct witness *witness, const uint8_t *bytes, size_t size, uint64_t sent)
{
    static uint8_t joined[WITNESS_PROOF + WITNESS_MOST];
    unsigned findings = 0;

    if (witness->held_size > 0) {
        memcpy(joined, witness->held, witness->held_size);
        memcpy(joined + witness->held_size, bytes, size);
        bytes = joined;
        size += witness->held_size;
        witness->held_size = 0;
    }
    while (size > 0) {
        size_t n = accept(witness, bytes, size, sent);

        bytes += n;
        size -= n;
        if (size > 0 && size < WITNESS_PROOF && witness->at + size < sent) {
            memcpy(witness->held, bytes, size);
            witness->held_size = size;
            break;
        }
        if (size > 0 && !(worth_looking(witness) && jump(witness, bytes, size, sent, &findings))) {
            findings += take_strange(witness, sent);
            bytes++;
            size--;
        }
    }
    return findings;
}

unsigned witness_end(struct witness *witness, uint64_t sent)
{
    unsigned findings = 0;

    for (; witness->held_size > 0; witness->held_size--)
        findings += take_strange(witness, sent);
    return findings;
}
