/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * What a ping sends: a mark, the run's number, a sequence number and a time stamp, all in network
 * order, then pseudo-random bytes that follow from these. So every byte of an answer can be
 * verified, and an answer says by itself which probe it belongs to and when that was sent.
 */

enum {
    PING_PAYLOAD_MIN = 24,
    PING_PAYLOAD_MAX = 65507, /* what UDP over IPv4 carries at most */
};

struct ping_payload {
    uint32_t run;      /* a number that nobody else has: another ping's answers are not ours */
    uint64_t sequence; /* from 1 */
    int64_t sent_nsec; /* since the run began */
    size_t size;       /* bytes, PING_PAYLOAD_MIN and more */
};

/* Writes payload->size bytes. */
void ping_payload_write(const struct ping_payload *payload, unsigned char *buffer);

/*
 * The index of the first of LENGTH bytes that is not as ping_payload_write() would have it from
 * OFFSET on, or LENGTH. OFFSET + LENGTH must not be more than the size.
 */
size_t ping_payload_mismatch(const struct ping_payload *payload, size_t offset,
                             const unsigned char *bytes, size_t length);

/* Reads what an answer says of itself; its size is LENGTH. False when it is none of this run. */
bool ping_payload_read(uint32_t run, const unsigned char *bytes, size_t length,
                       struct ping_payload *ret_payload);
