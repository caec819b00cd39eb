/* SPDX-License-Identifier: MIT */
#pragma once

#include <netinet/in.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include <linux/vm_sockets.h>

#include "base/addr.h"
#include "base/pool.h"
#include "policy/source.h"

/*
 * All that is known of one connection, in memory that the supervisor and all workers share. A
 * connection changes hands by its descriptor and the number of its slot: the state is here.
 */

/*
 * Owners: nobody, or a worker's number + SLOT_FIRST_WORKER. A worker that gives a connection up
 * adds SLOT_IN_TRANSIT; the supervisor enters the next owner when it has the descriptor.
 */
enum {
    SLOT_NOBODY = 0,
    SLOT_FIRST_WORKER = 1,
    SLOT_ORPHAN = 1 << 29, /* its worker is gone; a copy of its descriptor is in escrow */
    SLOT_IN_TRANSIT = 1 << 30,
};

static const uint32_t SLOT_NONE = UINT32_MAX; /* no slot's number */

struct slot {
    _Atomic uint32_t owner;
    int32_t fd;           /* valid in the owner's process only */
    uint32_t interest;    /* EPOLLIN or EPOLLOUT: what the owner waits for */
    uint32_t number;      /* its own, and that of its spill buffer */
    uint32_t spill_begin; /* the bytes there that the peer is owed: from here */
    uint32_t spill_end;   /* to here */
    uint64_t opened_usec; /* clock_usec() at accept */
    uint64_t active_ms;   /* clock_ms() when a byte last came or went */
    uint64_t received;    /* bytes read from the peer, those of a PROXY header apart */
    uint64_t sent;        /* bytes written to it */
    union {
        struct sockaddr sa;
        struct sockaddr_in in;
        struct sockaddr_in6 in6;
        struct sockaddr_vm vm;
    } peer;               /* of a Unix socket the family alone */
    struct source source; /* whose connections it counts among, or none; see ledger.h */
    uint16_t header; /* the bytes that a PROXY header took: 0 if there was none, or it is due */
    bool header_due; /* a PROXY header has to come first: net/proxy.h */
    bool copied;     /* another process may have, or have had, its descriptor: closing is not all */
    bool bulk;       /* filled the buffer last time */
    bool piped;      /* what was read and not yet counted in received lies in its owner's pipe */
    uint8_t reserved[2];
    uint32_t young_next, young_prev; /* its owner's list of connections without a second copy */
    uint64_t cookie; /* SO_COOKIE of the connection whose copy is in escrow; 0: none is */
};

_Static_assert(sizeof(struct slot) == 128, "the size is part of the shared layout");
_Static_assert(offsetof(struct slot, cookie) % sizeof(uint64_t) == 0, "never torn");

struct slot_table {
    struct pool pool;
    struct slot *slots;
};

static inline uint32_t slot_owner(const struct slot *slot)
{
    return atomic_load_explicit(&slot->owner, memory_order_acquire);
}

static inline void slot_set_owner(struct slot *slot, uint32_t owner)
{
    atomic_store_explicit(&slot->owner, owner, memory_order_release);
}

/* Takes a slot below LIMIT for a new connection from PEER. Its number, or -1 when all are taken. */
int64_t slot_open(struct slot_table *table, uint32_t limit, uint32_t owner,
                  const struct addr *peer);

/* Gives the slot back; its descriptor is no longer its own, its spill buffer released already. */
void slot_close(struct slot_table *table, uint32_t number);

/* The first slot from FROM on that OWNER owns, or -1. */
int64_t slot_next(const struct slot_table *table, uint32_t owner, uint32_t from);

/* Notes what tells the connection FD from all others, SO_COOKIE of socket(7). 0 or -errno. */
int slot_read_cookie(struct slot *slot, int fd);

/* Whether FD is the connection of which that was noted. */
bool slot_is_of(const struct slot *slot, int fd);

/* The peer's address. */
struct addr slot_peer(const struct slot *slot);
void slot_set_peer(struct slot *slot, const struct addr *peer);
