/* SPDX-License-Identifier: MIT */
#pragma once

#include <errno.h>
#include <stdint.h>
#include <sys/types.h>

#include "net/slot.h"
#include "net/spill.h"
#include "policy/stats.h"

/*
 * The echo of one connection, RFC 862: whatever was received is sent back, in order, until the
 * peer ends the connection. A state machine without a loop, a clock or a wait of its own: the
 * caller knows when a socket is ready and calls stream_step(), which moves at most one buffer's
 * bytes, with one call in and one out, so that no peer keeps the others waiting.
 *
 * Two states are enough. A connection that owes nothing reads. What the peer does not take at
 * once goes into a spill buffer, and until that is empty the connection only writes: thus a peer
 * that does not read is not read from, and the end of its data cannot overtake the data.
 *
 * How it reads is no state, but a choice: a peer that fills the buffer is likely to send a lot
 * more, and that is moved through a pipe instead, which copies nothing, splice(2).
 *
 * A step may be killed at any instruction, and the slot says all the same where each byte is that
 * was read and not yet sent: net/recovery.h. For that it stores things in an order that must not be
 * changed. Until slot->received counts them, the bytes are where they were read to.
 */

enum { STREAM_BUFFER = SPILL_BYTES };

/* recv(2), send(2), splice(2), or a test in their place. */
struct stream_calls {
    ssize_t (*recv)(int fd, void *buffer, size_t size, int flags);
    ssize_t (*send)(int fd, const void *buffer, size_t size, int flags);
    ssize_t (*splice)(int from, off_t *from_at, int to, off_t *to_at, size_t size, unsigned flags);
};

const struct stream_calls *stream_syscalls(void);

/* What all connections of a worker use in turn. */
struct stream_io {
    const struct stream_calls *calls;
    uint8_t *buffer; /* STREAM_BUFFER bytes to read into */
    uint8_t *spill;  /* all spill buffers: spill_at() */
    int pipe[2];     /* empty between two steps: its ends to read and to write, or -1: copies */
    struct stats *stats;
    uint64_t now_ms; /* clock_ms(), as of the last wake-up */
};

enum stream_next {
    STREAM_READ,     /* wait until the socket is readable */
    STREAM_WRITE,    /* wait until the socket is writable */
    STREAM_FINISHED, /* the peer sent its last byte and got all of them back: close */
    STREAM_BROKEN,   /* the connection failed, errno says how (ECONNRESET is ordinary): close */
};

enum stream_next stream_step(struct slot *slot, struct stream_io *io);

/* Makes the pipe for a stream_io; without one, -1 both, everything is copied. */
void stream_open_pipe(int ret[static 2]);

/* Whether the peer has yet to be sent some of what it sent. */
static inline bool stream_owes(const struct slot *slot)
{
    return slot->spill_begin < slot->spill_end;
}

/* Gives the spill buffer up, and with it what the peer is owed. */
void stream_drop(struct slot *slot, struct stream_io *io);

/*
 * Accounts for bytes of the stream that were read, once they were sent or lie in the spill buffer:
 * now it is active.
 */
void stream_count_received(struct slot *slot, struct stream_io *io, size_t size);

/*
 * Resets the connection, so that neither side keeps any state, whoever else has a copy of the
 * descriptor: connect(2) to no address, as tcp(7) has it. What knows no reset stays as it is.
 */
void stream_reset(int fd);

/* Whether a call on a socket failed only for now. */
static inline bool stream_is_transient(int error)
{
    return error == EAGAIN || error == EWOULDBLOCK || error == EINTR;
}
