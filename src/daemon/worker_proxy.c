/* SPDX-License-Identifier: MIT */
#include "daemon/worker_state.h"

#include <errno.h>
#include <stdio.h>

#include "net/proxy.h"

/*
 * Connections that a proxy passes on. They have a slot from the beginning, so that those who say
 * nothing are limited as all others are; who may connect is asked when it is known who it is.
 */

static void refuse_header(struct worker *worker, uint32_t number, const char *fault)
{
    char reason[sizeof(((struct report *)NULL)->reason)];

    (void)snprintf(reason, sizeof(reason), "proxy_protocol: %s", fault);
    stats_add(&worker->io.stats->bad_headers, 1);
    worker_refuse_stream(worker, number, reason);
}

static bool begin_stream(struct worker *worker, uint32_t number)
{
    proxy_begin_stream(worker_slot(worker, number), &worker->io);
    return true;
}

/* The client counts as if it had connected itself. */
static bool admit_client(struct worker *worker, uint32_t number)
{
    struct addr client = slot_peer(worker_slot(worker, number));
    const char *reason = worker_admit_client(worker, number, &client);

    if (!reason)
        return begin_stream(worker, number);
    worker_refuse_stream(worker, number, reason);
    return false;
}

bool worker_has_header(struct worker *worker, uint32_t number)
{
    const char *fault;

    switch (proxy_step(worker_slot(worker, number), &worker->io, &fault)) {
    case PROXY_CLIENT:
        return admit_client(worker, number);
    case PROXY_ITSELF:
        return begin_stream(worker, number); /* It was named as a proxy: that is its permission. */
    case PROXY_FAULTY:
        refuse_header(worker, number, fault);
        break;
    case PROXY_ENDED: /* Whoever looks whether somebody listens does this all day. */
        worker_end_stream(worker, number, "no header", 0);
        break;
    case PROXY_BROKEN:
        worker_lose_stream(worker, number, errno);
        break;
    case PROXY_MORE:
        break;
    }
    return false;
}

void worker_miss_header(struct worker *worker, uint32_t number)
{
    refuse_header(worker, number, PROXY_LATE);
}
