/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "client/dial.h"

/* The search for the largest datagram that an echo server sends back whole. */

enum ping_sweep_outcome {
    PING_SWEEP_PASSED,
    PING_SWEEP_SILENT,   /* no answer to any try */
    PING_SWEEP_TOO_LONG, /* for an MTU of "mtu", and nobody would cut it up */
    PING_SWEEP_CUT,      /* only "size" bytes came back */
    PING_SWEEP_WRONG,    /* other bytes came back */
    PING_SWEEP_FAILED,   /* "error" */
};

/* How it went with one size. */
struct ping_sweep_step {
    size_t size; /* bytes of data */
    enum ping_sweep_outcome outcome;
    unsigned tries;
    int64_t rtt_nsec; /* PASSED */
    size_t fragment;  /* PASSED: the answer came in fragments, the largest of this size; 0: not */
    size_t received;  /* CUT: bytes */
    uint32_t mtu;     /* TOO_LONG: bytes of a packet, 0: not known */
    bool from_afar;   /* TOO_LONG: a router said so, not this machine */
    int error;        /* FAILED: negative errno */
};

struct ping_sweep {
    struct addr addr; /* IPv4 or IPv6 */
    const struct dial_options *dial;
    size_t size_max;   /* PING_PAYLOAD_MIN to PING_PAYLOAD_MAX */
    unsigned tries;    /* of each size */
    int64_t wait_nsec; /* at most, for an answer */
    int64_t deadline;  /* of everything */
    void (*tell)(void *audience, const struct ping_sweep_step *step);
    void *audience;
};

/*
 * Returns 0 and the largest size that passed (0: none did), -ETIMEDOUT when the deadline came first
 * (ret_largest as far as is known), or -errno.
 */
int ping_sweep_run(const struct ping_sweep *sweep, size_t *ret_largest);

/* The bytes that IP and UDP add to such a datagram, without options. */
size_t ping_sweep_headers(const struct addr *addr);
