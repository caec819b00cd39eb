/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/rights.h"

/*
 * The control channel between the supervisor and one worker: a pair of SOCK_SEQPACKET sockets,
 * whole messages, some with descriptors. When one side ends, the other reads the end of it.
 *
 * To the worker              From the worker
 * START   accept
 * GIVE    give up a batch,   GIVEN   slots and descriptors; 0 of them: none is left
 *         of at most COUNT
 * SHARE   give up a batch,   GIVEN
 *         but go on
 * TAKE    take on a batch    TAKEN
 * DRAIN   serve to the end
 * LOOK    accept what waits
 * CLOSE   accept no more; if
 *         COUNT, what waits
 *         comes first
 *                            KEEP    copies of connections, to be kept
 * KEEP_ALL accept no more,   KEEP    ... all that are left, then
 *         have all kept      KEPT
 * PING    are you alive?     PONG    I am; also the first message of all
 *                            REPORT  something worth logging
 */
enum message_kind {
    MESSAGE_START,
    MESSAGE_GIVE,
    MESSAGE_SHARE,
    MESSAGE_GIVEN,
    MESSAGE_TAKE,
    MESSAGE_TAKEN,
    MESSAGE_DRAIN,
    MESSAGE_LOOK,
    MESSAGE_CLOSE,
    MESSAGE_PING,
    MESSAGE_PONG,
    MESSAGE_REPORT,
    MESSAGE_KEEP,
    MESSAGE_KEEP_ALL,
    MESSAGE_KEPT,
};

enum { MESSAGE_SLOTS_MAX = RIGHTS_MAX };

/* What a worker saw; the supervisor says it. */
enum report_kind {
    REPORT_REFUSED, /* a connection that was denied, or is over a limit */
    REPORT_ENDED,   /* a connection's end, with its figures */
    REPORT_DROPPED, /* datagrams, for one reason: count, of which the last one was peer's */
    REPORT_PAUSED,  /* accepting stopped for a moment: error says why */
    REPORT_SURPLUS, /* the worker has more than its share of the connections */
    REPORT_FAILED,  /* the worker cannot go on: error, reason */
};

struct report {
    enum report_kind kind;
    int error; /* errno, or 0 */
    uint64_t bytes;
    uint64_t duration_usec;
    uint64_t count;
    struct addr peer;
    struct addr local;
    bool again; /* PAUSED: nothing could be accepted since the last one */
    char reason[64];
};

struct message {
    enum message_kind kind;
    uint32_t count; /* of slots and descriptors; of GIVE and SHARE, the most that may be given */
    union {
        uint32_t slots[MESSAGE_SLOTS_MAX];
        struct report report;
    };
};

/* 0 or -errno; both ends are non-blocking. */
int channel_pair(int ret[static 2]);

/*
 * Sends one message, with message->count descriptors (fds may be NULL when there are none). They
 * stay the caller's. 0 or -errno; -EAGAIN when the other side does not read.
 */
int channel_send(int fd, const struct message *message, const int *fds);

/*
 * Receives one message. 1, or 0 at the end of the channel, or -errno (-EAGAIN: none is there).
 * The descriptors that came are the caller's: those at the end of fds that did not arrive, for
 * want of room in the table of descriptors, are -1. On failure none are open.
 */
int channel_receive(int fd, struct message *ret, int fds[static MESSAGE_SLOTS_MAX]);
