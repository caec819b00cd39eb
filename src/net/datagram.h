/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/addr.h"
#include "net/listener.h"
#include "net/way_back.h"
#include "policy/drop.h"
#include "policy/judge.h"
#include "policy/stats.h"

/*
 * The echo of datagrams, RFC 862: each is sent back to where it came from, whole and by itself, or
 * it is dropped and counted. Nothing is kept between two datagrams. The caller knows when a socket
 * is readable and calls datagram_step(), which takes a batch with one call and answers it with
 * another. No answer is longer than what it answers, and there is at most one: who forges a
 * sender's address gains nothing by it.
 */

enum {
    DATAGRAM_BATCH = 64,
    DATAGRAM_MAX = 65535, /* no IP datagram is longer; over IPv4 65,507 bytes of it are data */
};

/* recvmmsg(2), sendmmsg(2), or a test in their place. */
struct datagram_calls {
    int (*recvmmsg)(int fd, struct mmsghdr *messages, unsigned count, int flags,
                    struct timespec *timeout);
    int (*sendmmsg)(int fd, struct mmsghdr *messages, unsigned count, int flags);
};

const struct datagram_calls *datagram_syscalls(void);

/* Of the drops of one kind: how many since somebody last asked, and the last one of them. */
struct datagram_drops {
    uint64_t count;
    struct addr peer;  /* who sent it */
    struct addr local; /* the listener that got it */
};

/* Four megabytes to read into, of which exist what datagrams have filled so far. */
struct datagram_batch;

/* What all datagram sockets of a worker use in turn. */
struct datagram_io {
    const struct datagram_calls *calls;
    const struct judge *judge;
    const struct listener_set *own; /* none of these is answered */
    struct stats *stats;
    struct datagram_drops drops[DROP_KINDS];
    bool dropped; /* any of them: whoever asks clears this, and them */
    struct datagram_batch *batch;
};

/* Makes the batch: 0 or -errno. */
int datagram_io_init(struct datagram_io *io);

void datagram_io_deinit(struct datagram_io *io);

/*
 * One batch of LISTENER's: the number of datagrams that were received, up to DATAGRAM_BATCH; fewer
 * when there are no more. It never waits: an answer that cannot be sent now is dropped, as
 * whatever happens to one datagram concerns no other.
 */
unsigned datagram_step(const struct listener *listener, struct datagram_io *io);
