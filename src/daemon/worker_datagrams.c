/* SPDX-License-Identifier: MIT */
#include "daemon/worker_state.h"

#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>

enum {
    BATCHES_AT_ONCE = 2,      /* then the connections have their turn */
    BATCHES_WAITING_MAX = 64, /* more than waits in a queue of ours; what comes meanwhile may not */
    TELL_PAUSE_MS = 1000,     /* what anybody can cause, with forged addresses, is told rarely */
};

static bool is_datagrams(const struct listener *listener)
{
    return listener->type == SOCK_DGRAM;
}

/* Returns how many there are, whose ports are not answered. */
static unsigned add_own_ports(const struct listener_set *set, struct ports *ports)
{
    unsigned count = 0;

    for (size_t i = 0; i < set->count; i++)
        if (is_datagrams(&set->list[i])) {
            ports_add(ports, (uint16_t)addr_port(&set->list[i].addr)); /* of a Unix socket 0 */
            count++;
        }
    return count;
}

int worker_datagrams_init(struct worker *worker)
{
    const struct worker_setup *setup = worker->setup;

    judge_init(&worker->judge, setup->conf, &setup->access->clients, setup->arena->rates);
    worker->datagrams = (struct datagram_io){
        .calls = datagram_syscalls(),
        .judge = &worker->judge,
        .own = setup->listeners,
        .stats = worker->io.stats,
    };
    if (add_own_ports(setup->listeners, &worker->judge.ports) == 0)
        return 0;
    return datagram_io_init(&worker->datagrams);
}

static void unwatch(struct worker *worker)
{
    const struct listener_set *set = worker->setup->listeners;

    for (uint32_t i = 0; i < set->count; i++)
        if (is_datagrams(&set->list[i]))
            (void)worker_watch(worker, EPOLL_CTL_DEL, set->list[i].fd, 0, SOURCE_DATAGRAMS, i);
    worker->datagrams_watched = false;
}

/* A pause in accepting, or a new place in the line of acceptors, is none of their business. */
int worker_datagrams_watch(struct worker *worker)
{
    const struct listener_set *set = worker->setup->listeners;
    int r = 0;

    if (worker->datagrams_watched)
        return 0;
    for (uint32_t i = 0; i < set->count && r == 0; i++)
        if (is_datagrams(&set->list[i]))
            r = worker_watch(worker, EPOLL_CTL_ADD, set->list[i].fd, EPOLLIN | EPOLLEXCLUSIVE,
                             SOURCE_DATAGRAMS, i);
    if (r < 0)
        unwatch(worker);
    worker->datagrams_watched = r == 0;
    return r;
}

static void tell_by_and_by(struct worker *worker)
{
    uint64_t soonest = worker->told_drops_ms + TELL_PAUSE_MS;

    if (worker->setup->conf->log_connections == CONF_LOG_CONNECTIONS_NONE)
        worker->datagrams.dropped = false;
    if (worker->datagrams.dropped && worker->tell_drops_ms == NEVER_MS)
        worker->tell_drops_ms = soonest > worker->now_ms ? soonest : worker->now_ms;
}

/* Up to this many batches. False when nothing was there. */
static bool serve(struct worker *worker, const struct listener *listener, unsigned batches)
{
    bool any = false, more = true;

    while (more && batches-- > 0) {
        unsigned received = datagram_step(listener, &worker->datagrams);

        any = any || received > 0;
        more = received == DATAGRAM_BATCH;
    }
    tell_by_and_by(worker);
    return any;
}

bool worker_datagrams_serve(struct worker *worker, uint32_t number)
{
    /* An event of this batch may have closed the listeners. */
    return !worker->ended &&
           serve(worker, &worker->setup->listeners->list[number], BATCHES_AT_ONCE);
}

void worker_datagrams_waiting(struct worker *worker)
{
    const struct listener_set *set = worker->setup->listeners;

    for (size_t i = 0; i < set->count && !worker->ended; i++)
        if (is_datagrams(&set->list[i]))
            (void)serve(worker, &set->list[i], BATCHES_WAITING_MAX);
}

void worker_datagrams_end(struct worker *worker)
{
    unwatch(worker);
    worker_datagrams_waiting(worker);
    if (worker->datagrams.dropped) /* There may be no time to wait for. */
        worker_datagrams_tell(worker);
}

static void tell(struct worker *worker, enum drop why, const struct datagram_drops *drops)
{
    bool has_port = why == DROP_LOOP && drops->peer.sa.sa_family != AF_UNIX;
    const char *service = has_port ? ports_service((uint16_t)addr_port(&drops->peer)) : NULL;
    struct report report = {
        .kind = REPORT_DROPPED,
        .count = drops->count,
        .peer = drops->peer,
        .local = drops->local,
    };

    (void)snprintf(report.reason, sizeof(report.reason), service ? "%s (%s)" : "%s",
                   drop_reason(why), service);
    worker_report(worker, &report);
}

void worker_datagrams_tell(struct worker *worker)
{
    struct datagram_io *io = &worker->datagrams;

    worker->tell_drops_ms = NEVER_MS;
    worker->told_drops_ms = worker->now_ms;
    for (unsigned why = 0; why < DROP_KINDS; why++)
        if (io->drops[why].count > 0)
            tell(worker, (enum drop)why, &io->drops[why]);
    memset(io->drops, 0, sizeof(io->drops));
    io->dropped = false;
}
