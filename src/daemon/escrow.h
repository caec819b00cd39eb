/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/rights.h"

/*
 * Second copies of descriptors where no crash reaches them: as messages in the queues of sockets,
 * the boxes, that are in the service manager's descriptor store, too. The manager holds a few
 * boxes, and the kernel holds what is in them, thousands of descriptors, for whoever has a box.
 *
 * What is in a box stays there: it is looked at with MSG_PEEK, which copies descriptors, and so
 * whoever dies while he looks has taken nothing out. Only a whole box ever goes, when all of it
 * that is still wanted is in another one, and that one is in the store.
 */

enum {
    ESCROW_BATCH = RIGHTS_MAX, /* entries in one message */
    ESCROW_BOXES = 64,
};

/* What stands beside a descriptor. Both fields are the user's. */
struct escrow_entry {
    uint32_t number;
    uint32_t mark;
};

struct escrow_box {
    int receive;
    int send;        /* -1: somebody made it who is no more, and nothing can be added */
    uint32_t number; /* in the store */
};

struct escrow {
    struct escrow_box box[ESCROW_BOXES];
    unsigned count;
    unsigned next;        /* box that escrow_next() looks into */
    uint32_t next_number; /* of the next box */
    uint64_t entries;
    int unstored; /* why the service manager did not take a box, -errno, or 0 */
};

/* An escrow without a box; FIRST_NUMBER is above those of all boxes in the store. */
void escrow_init(struct escrow *escrow, uint32_t first_number);

/* Closes the boxes; those in the store stay there. */
void escrow_deinit(struct escrow *escrow);

/* Takes over a box from the store. -ENOBUFS: there are too many; the descriptor is the caller's. */
int escrow_inherit(struct escrow *escrow, int fd, uint32_t number);

/*
 * Puts copies of up to ESCROW_BATCH descriptors in. 0 or -errno: -ETOOMANYREFS when the user may
 * not have so many under way, -ENOBUFS when there is no box left.
 */
int escrow_put(struct escrow *escrow, const struct escrow_entry *entries, const int *fds,
               uint32_t count);

/*
 * Looks through all that is in the boxes, one message after the other. The number of entries, 0
 * after the last, or -errno. The descriptors are copies, the caller's; those that this process has
 * no room for are -1. What is put in meanwhile may be seen or not.
 */
void escrow_rewind(struct escrow *escrow);
int escrow_next(struct escrow *escrow, struct escrow_entry entries[static ESCROW_BATCH],
                int fds[static ESCROW_BATCH]);

/*
 * After escrow_inherit(): counts the entries, and takes so many out that no more than MOST are
 * left. The number of those that went; whose last descriptor that was is closed.
 */
uint64_t escrow_shrink(struct escrow *escrow, uint64_t most);

/* Whether there are boxes of an earlier process, to which nothing can be added. */
bool escrow_is_inherited(const struct escrow *escrow);

/* Whether so much is in vain, DEAD of the entries or nearly empty messages, that it takes room. */
bool escrow_is_sparse(const struct escrow *escrow, uint64_t dead);

/* Gives all boxes up, with what is in them. */
void escrow_discard(struct escrow *escrow);

/* The boxes are those of FRESH from now on, which has all that is worth keeping. */
void escrow_replace(struct escrow *escrow, struct escrow *fresh);
