/* SPDX-License-Identifier: MIT */
#include "daemon/worker_state.h"

#include <errno.h>
#include <string.h>

#include "base/clock.h"

/*
 * Who is let in, asked in this order: may it connect at all, does it come too fast, has it too many
 * connections, are there too many. Who is refused takes no place away from others, and only what
 * depends on others' behaviour, the last one, is asked last.
 */

static const char *refuse_for(_Atomic uint64_t *counter, const char *reason)
{
    stats_add(counter, 1);
    return reason;
}

static const char *check_client(struct worker *worker, const struct addr *client,
                                const struct source *source)
{
    const struct worker_setup *setup = worker->setup;
    uint32_t rate = (uint32_t)setup->conf->limit_connection_rate_per_source;

    if (!access_allows(setup->access, client))
        return refuse_for(&worker->io.stats->denied, "access.deny");
    if (rate > 0 && !rate_allows(setup->arena->rates, RATE_CONNECTIONS, source, rate, clock_usec()))
        return refuse_for(&worker->io.stats->over_rate, "limits.connection_rate_per_source");
    return NULL;
}

static const char *check_place(struct worker *worker, int result)
{
    switch (result) {
    case 0:
        return NULL;
    case -EDQUOT:
        return refuse_for(&worker->io.stats->over_source, "limits.connections_per_source");
    case -EUSERS:
        return refuse_for(&worker->io.stats->over_total, "limits.connections");
    default:
        return strerror(-result);
    }
}

static struct source source_of_client(const struct worker *worker, const struct addr *client)
{
    const struct conf *conf = worker->setup->conf;

    return source_of(client, conf->limit_ipv4_prefix, conf->limit_ipv6_prefix);
}

static const char *take_place(struct worker *worker, const struct addr *peer,
                              const struct source *source, uint32_t *ret_number)
{
    const struct conf *conf = worker->setup->conf;
    const struct ledger_limits limits = {
        .connections = (uint32_t)conf->limit_connections,
        .per_source = (uint32_t)conf->limit_connections_per_source,
    };

    return check_place(worker, ledger_open(&worker->setup->arena->ledger, worker->owner, peer,
                                           source, &limits, ret_number));
}

/* It is known later whose connection it is; the proxy itself counts as no source. */
static const char *admit_proxy(struct worker *worker, const struct addr *peer, uint32_t *ret_number)
{
    const char *reason = take_place(worker, peer, &(struct source){0}, ret_number);

    if (!reason)
        worker_slot(worker, *ret_number)->header_due = true;
    return reason;
}

const char *worker_admit(struct worker *worker, const struct addr *peer, uint32_t *ret_number)
{
    struct source source = source_of_client(worker, peer);
    const char *reason;

    if (access_is_proxy(worker->setup->access, peer))
        return admit_proxy(worker, peer, ret_number);
    reason = check_client(worker, peer, &source);
    return reason ? reason : take_place(worker, peer, &source, ret_number);
}

const char *worker_admit_client(struct worker *worker, uint32_t number, const struct addr *client)
{
    uint32_t per_source = (uint32_t)worker->setup->conf->limit_connections_per_source;
    struct source source = source_of_client(worker, client);
    const char *reason = check_client(worker, client, &source);

    if (reason)
        return reason;
    return check_place(worker,
                       ledger_assign(&worker->setup->arena->ledger, number, &source, per_source));
}
