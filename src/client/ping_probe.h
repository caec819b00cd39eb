/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The probes that were sent to one target, and what has become of each. Nothing here waits or looks
 * at a clock: times are given, in nanoseconds of any one clock.
 */

/* The last so many are remembered; so no more than these can be under way. */
enum { PING_PROBES_MAX = 16384 };

enum ping_fate {
    PING_UNKNOWN, /* never sent, or longer ago than is remembered */
    PING_WAITING,
    PING_ANSWERED,
    PING_LOST,
    PING_CORRUPTED, /* the answer was not what was sent */
};

struct ping_probe {
    int64_t sent_nsec;
    int64_t kernel_nsec; /* when it left by the kernel's clock (CLOCK_REALTIME), 0: not known */
    uint8_t fate;
};

struct ping_probes {
    struct ping_probe *ring;
    int64_t wait_nsec; /* an answer that takes longer is late */
    uint64_t next;     /* the sequence number of the next one; the first one's is 1 */
    uint64_t oldest;   /* none before it is waiting */
    uint64_t newest;   /* of those that were answered, 0: none */
    uint64_t waiting;  /* how many are */
};

/* 0 or -ENOMEM. */
int ping_probes_init(struct ping_probes *probes, int64_t wait_nsec);
void ping_probes_deinit(struct ping_probes *probes);

/* Whether another one can be sent. */
bool ping_probes_have_room(const struct ping_probes *probes);

/* A new one is under way: its sequence number. */
uint64_t ping_probes_add(struct ping_probes *probes, int64_t now);

/* The newest one left only now: a connection had to be made first. */
void ping_probes_restart(struct ping_probes *probes, int64_t now);

/* What is known of a probe, or NULL. */
struct ping_probe *ping_probes_find(const struct ping_probes *probes, uint64_t sequence);

/*
 * The round-trip time of an answer that was read at NOW and reached the kernel at KERNEL_NSEC (0:
 * not known). By the kernel's time stamps where both are there and agree with our own clock: they
 * are of CLOCK_REALTIME, which somebody may have set meanwhile.
 */
int64_t ping_probe_rtt(const struct ping_probe *probe, int64_t now, int64_t kernel_nsec,
                       bool *ret_by_kernel);

/* What an intact answer is. */
enum ping_verdict {
    PING_IN_ORDER,
    PING_REORDERED, /* an answer to a later probe came before (RFC 4737) */
    PING_DUPLICATE,
    PING_LATE,       /* the probe had been given up for lost, and stays it */
    PING_LATE_FIRST, /* the same, but nobody had looked in time: the probe is lost now */
};

/* SEQUENCE was sent once, RTT_NSEC ago. */
enum ping_verdict ping_probes_answer(struct ping_probes *probes, uint64_t sequence,
                                     int64_t rtt_nsec);

/* Settles a probe that is waiting; false when it is not. FATE is PING_LOST or PING_CORRUPTED. */
bool ping_probes_settle(struct ping_probes *probes, uint64_t sequence, enum ping_fate fate);

/*
 * Gives one probe up that has waited long enough: its sequence number. 0 when there is none (any
 * more).
 */
uint64_t ping_probes_expire(struct ping_probes *probes, int64_t now);

/* When the next one will be given up, INT64_MAX when none is waiting. */
int64_t ping_probes_next_expiry(const struct ping_probes *probes);
