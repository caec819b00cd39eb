/* SPDX-License-Identifier: MIT */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "client/pattern.h"

/*
 * Sees the bytes of one connection come back and tells what is wrong with them. What was sent is a
 * function of the offset, so nothing is kept: where a byte is not what it should be, those that
 * follow are looked for in the stream, and where they are found says what has happened.
 */

enum { WITNESS_MOST = 65536, WITNESS_PROOF = 12 };

enum finding_kind { LOST, DOUBLED, REORDERED, CORRUPTED, FINDING_KINDS };

struct finding {
    enum finding_kind kind;
    uint64_t offset; /* in the stream: the byte that was due */
    uint64_t size;   /* bytes that are lost, came again, came too late, or are not the stream's */
};

struct witness {
    struct pattern pattern;
    uint64_t at;                 /* the offset of the byte that is due */
    uint64_t highest;            /* everything below has come, or is counted as lost */
    uint64_t gap_begin, gap_end; /* what was last counted as lost, and may still come: reordered */
    uint64_t strange;            /* bytes that are not the stream's, since it was right for long */
    uint64_t right;              /* bytes in a row that are */
    uint64_t counts[FINDING_KINDS]; /* bytes */
    struct finding last;
    uint8_t held[WITNESS_PROOF]; /* too few to be looked for: until more come */
    size_t held_size;
};

void witness_init(struct witness *witness, uint64_t seed);

/* At most WITNESS_MOST bytes came; SENT were sent so far. Returns how many things are wrong. */
unsigned witness_see(struct witness *witness, const uint8_t *bytes, size_t size, uint64_t sent);

/* Nothing comes any more: at is sent if all is there. Returns how many things are wrong beside. */
unsigned witness_end(struct witness *witness, uint64_t sent);

/* "lost", and so on. */
const char *finding_name(enum finding_kind kind);
