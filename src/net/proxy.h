/* SPDX-License-Identifier: MIT */
#pragma once

#include "net/slot.h"
#include "net/stream.h"

/*
 * The beginning of a connection that a proxy passes on: nothing is echoed until its PROXY header is
 * whole. What has come of it lies in the slot's spill buffer, up to spill_end, and none of that is
 * owed: spill_begin is the same. So the connection may change hands between any two bytes.
 */

/*
 * What a proxy may take from the accept to the end of its header: more than a lost segment or two
 * cost. PROXY_LATE is the fault of who takes longer.
 */
enum { PROXY_TIMEOUT_MS = 5000 };
#define PROXY_LATE "no whole header within 5 s"

enum proxy_next {
    PROXY_MORE,   /* wait until the socket is readable */
    PROXY_CLIENT, /* the header is whole: slot->peer is the client's address from now on */
    PROXY_ITSELF, /* the same, but slot->peer remains the proxy's */
    PROXY_ENDED,  /* the peer ended the connection and had sent nothing: close */
    PROXY_FAULTY, /* there is no header, or a wrong one: reset */
    PROXY_BROKEN, /* the connection failed, errno says how: close */
};

/*
 * Reads what has come, with one recv(2), while slot->header_due is set. When the header is whole,
 * slot->header is its length, and proxy_begin_stream() has to follow. ret_fault is set with
 * PROXY_FAULTY: what is wrong, for people to read, at most 47 bytes.
 */
enum proxy_next proxy_step(struct slot *slot, struct stream_io *io, const char **ret_fault);

/*
 * The header is whole and the client let in: slot->header_due is cleared, and the bytes after the
 * header are owed to the peer, as any that were read: stream_step() goes on. Until then all is read
 * anew when the worker dies.
 */
void proxy_begin_stream(struct slot *slot, struct stream_io *io);
