/* SPDX-License-Identifier: MIT */
#include "daemon/worker_state.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "daemon/balance.h"

enum {
    ACCEPT_AT_ONCE = 64,        /* then the connections have their turn */
    LEVEL_PAUSE_MS = 50,        /* too many connections for less than this do not matter */
    ACCEPT_PAUSE_MS = 100,      /* when descriptors or memory ran out */
    ACCEPT_WAITING_MAX = 65536, /* an end even for a queue that fills as fast as it is emptied */
};

enum accepted { ACCEPTED, ACCEPT_QUEUE_EMPTY, ACCEPT_NO_RESOURCES };

/* Datagram sockets are watched and closed with the others; the rest is worker_datagrams.c. */
static bool is_stream(const struct listener *listener)
{
    return listener->type == SOCK_STREAM;
}

/* A listener in epoll: each connection wakes one of the workers that wait, not all of them. */
static int watch_listeners(struct worker *worker)
{
    const struct listener_set *set = worker->setup->listeners;
    int r = 0;

    for (uint32_t i = 0; i < set->count && r == 0; i++)
        if (is_stream(&set->list[i]))
            r = worker_watch(worker, EPOLL_CTL_ADD, set->list[i].fd, EPOLLIN | EPOLLEXCLUSIVE,
                             SOURCE_LISTENER, i);
    return r;
}

/* Removes the listeners from epoll: closing them would not, as other processes hold them, too. */
static void unwatch_listeners(struct worker *worker)
{
    const struct listener_set *set = worker->setup->listeners;

    for (uint32_t i = 0; i < set->count; i++)
        if (is_stream(&set->list[i]))
            (void)worker_watch(worker, EPOLL_CTL_DEL, set->list[i].fd, 0, SOURCE_LISTENER, i);
    worker->accepting = false;
}

static void pause_accepting(struct worker *worker, int error)
{
    unwatch_listeners(worker);
    worker->resume_ms = worker->now_ms + ACCEPT_PAUSE_MS;
    /* Each time, so that others look at the listeners: this wake-up may have been meant for one
     * connection, and have come to this worker alone. */
    worker_report(
        worker, &(struct report){.kind = REPORT_PAUSED, .error = error, .again = worker->starved});
    worker->starved = true;
}

void worker_accept_start(struct worker *worker)
{
    int r;

    worker->resume_ms = NEVER_MS;
    r = watch_listeners(worker);
    if (r == 0)
        r = worker_datagrams_watch(worker);
    worker->accepting = r == 0;
    if (r < 0)
        pause_accepting(worker, -r);
}

void worker_accept_stop(struct worker *worker)
{
    if (worker->accepting)
        unwatch_listeners(worker);
    worker->resume_ms = NEVER_MS;
}

void worker_accept_end(struct worker *worker)
{
    const struct listener_set *set = worker->setup->listeners;

    if (worker->ended)
        return;
    worker_accept_stop(worker);
    worker_datagrams_end(worker);
    stats_set(&worker->io.stats->accepting, 0);
    worker->level_ms = NEVER_MS;
    for (size_t i = 0; i < set->count; i++)
        (void)close(set->list[i].fd); /* Linux releases it whatever it answers. */
    worker->ended = true;
}

/* Whether accept(2) failed for the connection's sake alone, so that the next one may do better. */
static bool is_of_connection(int error)
{
    switch (error) {
    case EINTR:
    case ECONNABORTED:
    case EPROTO:
    case EPERM:
    case ENETDOWN:
    case ENOPROTOOPT:
    case EHOSTDOWN:
    case ENONET:
    case EHOSTUNREACH:
    case EOPNOTSUPP:
    case ENETUNREACH:
    case ETIMEDOUT:
        return true;
    default:
        return false;
    }
}

/* Whether one more finds a descriptor, and those still do that others are about to hand over. */
static bool has_room(const struct worker *worker)
{
    const struct arena_worker *shared = worker->shared;

    return stats_read(&shared->stats.connections) + stats_read(&shared->coming) <
           worker->setup->room;
}

/* Takes a connection on, or refuses it. */
static void admit(struct worker *worker, int fd, const struct addr *peer)
{
    const char *reason;
    uint32_t number;
    int r;

    stats_add(&worker->io.stats->accepted, 1);
    reason = worker_admit(worker, peer, &number);
    if (reason) {
        worker_refuse(worker, fd, peer, reason, 0);
        return;
    }
    if (peer->sa.sa_family == AF_UNIX)
        (void)listener_set_stream_options(fd, AF_UNIX); /* else only urgent bytes get lost */
    r = worker_add_stream(worker, number, fd);
    if (r < 0)
        worker_refuse(worker, fd, peer, strerror(-r), -r);
}

static enum accepted accept_one(struct worker *worker, int listener)
{
    struct addr peer = {.len = sizeof(peer.un)};
    int fd;

    if (!has_room(worker)) {
        errno = EMFILE;
        return ACCEPT_NO_RESOURCES;
    }
    fd = accept4(listener, &peer.sa, &peer.len, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
        return ACCEPT_QUEUE_EMPTY;
    if (fd < 0)
        return is_of_connection(errno) ? ACCEPTED : ACCEPT_NO_RESOURCES;
    worker->starved = false;
    admit(worker, fd, &peer);
    return ACCEPTED;
}

static void accept_up_to(struct worker *worker, int listener, unsigned most)
{
    enum accepted result = ACCEPTED;

    while (result == ACCEPTED && most-- > 0)
        result = accept_one(worker, listener);
    if (result == ACCEPT_NO_RESOURCES && worker->accepting)
        pause_accepting(worker, errno);
}

static bool has_too_many(const struct worker *worker)
{
    struct balance balance = balance_read(worker->setup->arena);

    return balance_exceeds(&balance, stats_read(&worker->io.stats->connections));
}

/*
 * The kernel wakes the first in the line of those that wait for a connection: always the same one,
 * unless that one goes to the end of the line.
 */
static void requeue(struct worker *worker)
{
    unwatch_listeners(worker);
    worker_accept_start(worker);
}

/*
 * What a worker has too many of all the same, as when it took a burst before others had begun to
 * run, it offers to them if it lasts.
 */
static void keep_balance(struct worker *worker)
{
    if (!has_too_many(worker))
        return;
    if (worker->accepting)
        requeue(worker);
    if (worker->level_ms == NEVER_MS)
        worker->level_ms = worker->now_ms + LEVEL_PAUSE_MS;
}

void worker_accept_level(struct worker *worker)
{
    worker->level_ms = NEVER_MS;
    if (has_too_many(worker))
        worker_report(worker, &(struct report){.kind = REPORT_SURPLUS});
}

void worker_accept_from(struct worker *worker, const struct listener *listener)
{
    /* An event of this batch may have paused or ended the accepting. */
    if (!worker->accepting)
        return;
    accept_up_to(worker, listener->fd, ACCEPT_AT_ONCE);
    keep_balance(worker);
}

void worker_accept_waiting(struct worker *worker)
{
    const struct listener_set *set = worker->setup->listeners;

    for (size_t i = 0; i < set->count && !worker->ended; i++)
        if (is_stream(&set->list[i]))
            accept_up_to(worker, set->list[i].fd, ACCEPT_WAITING_MAX);
}
