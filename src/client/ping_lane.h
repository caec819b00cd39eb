/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "client/ping_event.h"
#include "client/ping_link.h"
#include "client/ping_payload.h"
#include "client/ping_probe.h"
#include "client/ping_stats.h"
#include "client/target.h"

/* One target's pings: when to send, what arrived, what that means. */

struct ping_lane;

/* What the lanes of a run have in common. */
struct ping_run {
    uint32_t number;    /* see ping_payload.h */
    int64_t began_nsec; /* what time stamps count from */
    size_t size;        /* bytes of a probe */
    int64_t interval_nsec, wait_nsec;
    uint64_t count;        /* probes for each target, 0: no end */
    bool until_answered;   /* count answers, not probes */
    bool connect_each;     /* a connection for each probe */
    bool stopping;         /* no more probes */
    unsigned char *buffer; /* PING_BUFFER_SIZE, to receive into */
    void (*tell)(void *audience, const struct ping_lane *lane, const struct ping_event *event);
    void *audience;
};

/* No datagram is larger. */
enum { PING_BUFFER_SIZE = 65536 };

struct ping_lane {
    const struct ping_run *run;
    const struct target *target;
    struct ping_link link;
    struct ping_probes probes;
    struct ping_stats stats;
    int64_t due_nsec; /* of the next probe */

    uint64_t leaving;   /* the probe that is not wholly sent yet, 0: none */
    unsigned char *out; /* its bytes */
    size_t out_done;    /* so many are sent */

    /* Since the socket was made: */
    uint64_t first;    /* stream: the first probe */
    uint64_t expected; /* stream: the one whose answer comes next */
    size_t in_done;    /* stream: so much of it has come */
    uint64_t keys;     /* bytes (stream), datagrams that were sent: what the kernel counts, too */
    uint64_t key_base; /* datagrams: number + key_base is the sequence number */
};

/*
 * Links to ADDR. 0 or -ENOMEM; to be given to ping_lane_deinit() in any case. The stats are large:
 * a lane lives on the heap.
 */
int ping_lane_init(struct ping_lane *lane, const struct ping_run *run, const struct target *target,
                   const struct addr *addr, const struct dial_options *dial);
void ping_lane_deinit(struct ping_lane *lane);

/* A first connection, which the lane owns now. */
void ping_lane_adopt(struct ping_lane *lane, int fd, int64_t connect_nsec);

/* What time brings: gives up, sends. Nothing in the lane is due then. */
void ping_lane_advance(struct ping_lane *lane, int64_t now);

/* When ping_lane_advance() has something to do again, unless something arrives. */
int64_t ping_lane_deadline(const struct ping_lane *lane);

/* The events to poll(2) for on link.fd, and what to do about those that came. */
short ping_lane_events(const struct ping_lane *lane);
void ping_lane_serve(struct ping_lane *lane, short revents);

/* Whether all that was to be sent is, and has its fate; or enough was answered. */
bool ping_lane_is_done(const struct ping_lane *lane);

/* For ping_receive.c. */

/* The connection is of no use any more; what waits for an answer on it is lost. */
void ping_lane_break(struct ping_lane *lane, const char *why);

/* SEQUENCE is lost, if it is still waiting; 0: who knows which. */
void ping_lane_fail(struct ping_lane *lane, uint64_t sequence, const char *why);

void ping_lane_tell(const struct ping_lane *lane, struct ping_event event);
