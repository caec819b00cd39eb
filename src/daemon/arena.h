/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdint.h>

#include "net/ledger.h"
#include "net/slot.h"
#include "net/spill.h"
#include "net/stream.h"
#include "policy/rate.h"
#include "policy/stats.h"

/*
 * The memory that the supervisor and all workers share: one memfd, mapped before the fork. It has
 * room for the most that could ever be configured; what nobody touched takes no memory. In order:
 *
 *     header | slot bits | workers | rates | ledger | index of sources | sources | slots |
 *     spill buffers
 *
 * A later version of the program has to be able to read it: the header says which layout this is.
 */

enum {
    ARENA_SLOTS = 1 << 20, /* at least the largest limits.connections */
    ARENA_WORKERS = 512,   /* twice the most workers: at a reload there are old and new ones */
};

struct arena_worker {
    struct stats stats;
    _Atomic uint64_t coming; /* connections that other workers will hand to it: room to keep free */
    _Atomic uint32_t at;     /* the slot that it is just changing, + 1, or 0: see recovery.h */
    uint32_t pipe;           /* tells its pipe in escrow from all others; 0: there is none */
    uint8_t reserved[4096 - sizeof(struct stats) - sizeof(uint64_t) - 2 * sizeof(uint32_t)];
    uint8_t buffer[STREAM_BUFFER];
};

struct arena {
    int fd; /* the memfd */
    uint8_t *base;
    struct slot_table slots;
    uint8_t *spill;               /* spill_at() */
    struct arena_worker *workers; /* ARENA_WORKERS of them */
    struct rates *rates;
    struct ledger ledger;
    struct stats *past;           /* what workers counted that are no more */
    _Atomic uint64_t *kept_ended; /* connections that have ended while a copy was in escrow */
};

/*
 * A worker takes this place; all that were ever taken are below arena_places(), which is at most
 * ARENA_WORKERS whatever a worker writes there.
 */
void arena_use_place(struct arena *arena, uint32_t number);
uint32_t arena_places(const struct arena *arena);

/* 0 or -errno. */
int arena_init(struct arena *arena);

/*
 * Maps what processes before this one left behind; nothing in it can be relied on to be sound, as
 * they may have been killed, or have been other people's. 0, and the descriptor is the arena's;
 * -EPROTO when it has another layout, or is no arena at all; else -errno.
 */
int arena_inherit(struct arena *arena, int fd);

/* Whether arena_inherit() would succeed: 0 or -errno, as that. */
int arena_check(int fd);

void arena_deinit(struct arena *arena);
