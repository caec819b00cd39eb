/* SPDX-License-Identifier: MIT */
#include "client/ping_probe.h"

#include <errno.h>
#include <stdlib.h>

int ping_probes_init(struct ping_probes *probes, int64_t wait_nsec)
{
    struct ping_probe *ring = calloc(PING_PROBES_MAX, sizeof(*ring));

    if (!ring)
        return -ENOMEM;
    *probes = (struct ping_probes){.ring = ring, .wait_nsec = wait_nsec, .next = 1, .oldest = 1};
    return 0;
}

void ping_probes_deinit(struct ping_probes *probes)
{
    free(probes->ring);
    probes->ring = NULL;
}

static struct ping_probe *at(const struct ping_probes *probes, uint64_t sequence)
{
    return &probes->ring[sequence % PING_PROBES_MAX];
}

struct ping_probe *ping_probes_find(const struct ping_probes *probes, uint64_t sequence)
{
    if (sequence == 0 || sequence >= probes->next || probes->next - sequence > PING_PROBES_MAX)
        return NULL;
    return at(probes, sequence);
}

bool ping_probes_have_room(const struct ping_probes *probes)
{
    return at(probes, probes->next)->fate != PING_WAITING;
}

uint64_t ping_probes_add(struct ping_probes *probes, int64_t now)
{
    *at(probes, probes->next) = (struct ping_probe){.sent_nsec = now, .fate = PING_WAITING};
    probes->waiting++;
    return probes->next++;
}

void ping_probes_restart(struct ping_probes *probes, int64_t now)
{
    at(probes, probes->next - 1)->sent_nsec = now;
}

int64_t ping_probe_rtt(const struct ping_probe *probe, int64_t now, int64_t kernel_nsec,
                       bool *ret_by_kernel)
{
    int64_t seen = now - probe->sent_nsec, kernel = kernel_nsec - probe->kernel_nsec;

    *ret_by_kernel = kernel_nsec && probe->kernel_nsec && kernel >= 0 && kernel <= seen;
    return *ret_by_kernel ? kernel : seen;
}

/* Moves on to what is waiting. */
static void skip_settled(struct ping_probes *probes)
{
    while (probes->oldest < probes->next && at(probes, probes->oldest)->fate != PING_WAITING)
        probes->oldest++;
}

bool ping_probes_settle(struct ping_probes *probes, uint64_t sequence, enum ping_fate fate)
{
    struct ping_probe *probe = ping_probes_find(probes, sequence);

    if (!probe || probe->fate != PING_WAITING)
        return false;
    probe->fate = (uint8_t)fate;
    probes->waiting--;
    skip_settled(probes);
    return true;
}

static enum ping_verdict answer_in_time(struct ping_probes *probes, uint64_t sequence)
{
    (void)ping_probes_settle(probes, sequence, PING_ANSWERED); /* It is waiting. */
    if (sequence < probes->newest)
        return PING_REORDERED;
    probes->newest = sequence;
    return PING_IN_ORDER;
}

enum ping_verdict ping_probes_answer(struct ping_probes *probes, uint64_t sequence,
                                     int64_t rtt_nsec)
{
    struct ping_probe *probe = ping_probes_find(probes, sequence);

    switch (probe ? probe->fate : PING_UNKNOWN) {
    case PING_WAITING:
        if (rtt_nsec <= probes->wait_nsec)
            return answer_in_time(probes, sequence);
        (void)ping_probes_settle(probes, sequence, PING_ANSWERED);
        return PING_LATE_FIRST;
    case PING_LOST:
        probe->fate = PING_ANSWERED; /* the next one is a duplicate */
        return PING_LATE;
    case PING_UNKNOWN:
        return PING_LATE; /* of long ago */
    default:
        return PING_DUPLICATE;
    }
}

uint64_t ping_probes_expire(struct ping_probes *probes, int64_t now)
{
    uint64_t sequence = probes->oldest;

    if (now < ping_probes_next_expiry(probes))
        return 0;
    return ping_probes_settle(probes, sequence, PING_LOST) ? sequence : 0;
}

int64_t ping_probes_next_expiry(const struct ping_probes *probes)
{
    if (probes->waiting == 0)
        return INT64_MAX;
    return at(probes, probes->oldest)->sent_nsec + probes->wait_nsec;
}
