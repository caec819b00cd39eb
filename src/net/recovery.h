/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdint.h>

#include "net/slot.h"

/*
 * What a connection is owed whose worker was killed. Between two steps (stream_step(),
 * proxy_step()) the slot says it. Within a step it may not yet, or no more; then the bytes
 * still lie where the worker had them, and the kernel counts for each TCP socket how many were read
 * from it and written to it. From the order in which a step stores things follows where which byte
 * is. With offsets into the stream, the bytes owed are those from `written` up to `consumed`:
 *
 *     those below slot->received     lie in the spill buffer, whose end is offset slot->received
 *     the others                     lie in the read buffer, whose beginning is offset
 *                                    slot->received
 *     or, with slot->piped set,      in the spill buffer, from its beginning, as far as they were
 *                                    taken out of the pipe already; the rest in the pipe
 *
 * While slot->header_due is set, all that was read lies in the spill buffer, from its beginning.
 *
 * Sockets that are not TCP have no such counters: what they are owed within a step is not known.
 */

enum recovery {
    RECOVERED,        /* what is owed lies in the spill buffer: any worker can go on */
    RECOVERY_OVER,    /* the connection has ended: close it */
    RECOVERY_UNKNOWN, /* it cannot be told what is owed: reset it, rather than send wrong bytes */
};

/* What the dead worker left. */
struct wreck {
    uint32_t number;       /* of the slot, and so of its spill buffer */
    uint8_t *spill;        /* all spill buffers: spill_at() */
    const uint8_t *buffer; /* its read buffer, if it was at this slot (arena.h), else NULL */
    int pipe;              /* the end of its pipe to read from, or -1; not to be used again */
};

/*
 * Makes the slot as it is between two steps. FD is the connection, which stays the caller's, and
 * nobody else uses it or changes the slot. May be killed at any time, and done again from the
 * beginning with the same wreck. What the slot says is not believed, but checked: who wrote it may
 * have been an attacker's.
 */
enum recovery recovery_of_stream(struct slot *slot, int fd, const struct wreck *wreck);

/*
 * The same where no slot is left that could be read: SLOT is one that was just opened for this
 * connection. RECOVERED if it owes nothing by the kernel's counters.
 */
enum recovery recovery_of_stranger(struct slot *slot, int fd);
