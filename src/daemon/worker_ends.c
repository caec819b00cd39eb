/* SPDX-License-Identifier: MIT */
#include "daemon/worker_state.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "base/clock.h"

/* How connections end: told to the supervisor, counted, and so that the peer sees it at once. */

static void report_end(struct worker *worker, const struct slot *slot, const char *reason,
                       int error)
{
    struct report report = {
        .kind = REPORT_ENDED,
        .error = error,
        .bytes = slot->sent,
        .duration_usec = clock_usec() - slot->opened_usec,
        .peer = slot_peer(slot),
    };

    if (worker->setup->conf->log_connections != CONF_LOG_CONNECTIONS_ALL)
        return;
    (void)addr_of_socket(slot->fd, &report.local); /* Unknown, it stays unsaid. */
    (void)strncpy(report.reason, reason, sizeof(report.reason) - 1);
    worker_report(worker, &report);
}

/*
 * Gives the slot back, before anything else: a peer that sees the end finds its place free. The
 * descriptor is the caller's. As long as others hold copies, close(2) does not take it out of
 * epoll.
 */
static int release(struct worker *worker, uint32_t number)
{
    struct slot *slot = worker_slot(worker, number);
    int fd = slot->fd;

    if (slot->copied)
        (void)worker_watch(worker, EPOLL_CTL_DEL, fd, 0, SOURCE_STREAM, number);
    worker_keep_not(worker, number);
    if (slot->cookie != 0)
        atomic_fetch_add_explicit(worker->setup->arena->kept_ended, 1, memory_order_relaxed);
    worker_begin(worker, number);
    stream_drop(slot, &worker->io);
    ledger_close(&worker->setup->arena->ledger, number);
    worker_settle(worker);
    stats_sub(&worker->io.stats->connections, 1);
    return fd;
}

void worker_end_stream(struct worker *worker, uint32_t number, const char *reason, int error)
{
    const struct slot *slot = worker_slot(worker, number);
    bool copied = slot->copied;
    int fd;

    report_end(worker, slot, reason, error);
    fd = release(worker, number);
    if (copied)
        (void)shutdown(fd, SHUT_RDWR); /* Fails where the peer was first. */
    closep(&fd);
}

static const char *error_reason(int error)
{
    switch (error) {
    case ECONNRESET:
    case EPIPE:
        return "reset";
    case ETIMEDOUT:
    case EHOSTUNREACH:
        return "vanished";
    default:
        return "error";
    }
}

void worker_lose_stream(struct worker *worker, uint32_t number, int error)
{
    worker_end_stream(worker, number, error_reason(error), error);
}

/* Denied, for a limit, or for want of memory: a reset, so that neither side keeps any state. */
void worker_refuse(struct worker *worker, int fd, const struct addr *peer, const char *reason,
                   int error)
{
    struct report report = {.kind = REPORT_REFUSED, .error = error, .peer = *peer};

    (void)snprintf(report.reason, sizeof(report.reason), "%s", reason);
    stats_add(&worker->io.stats->refused, 1);
    if (worker->setup->conf->log_connections != CONF_LOG_CONNECTIONS_NONE) {
        (void)addr_of_socket(fd, &report.local); /* Unknown, it stays unsaid. */
        worker_report(worker, &report);
    }
    stream_reset(fd);
    closep(&fd);
}

void worker_refuse_stream(struct worker *worker, uint32_t number, const char *reason)
{
    struct addr peer = slot_peer(worker_slot(worker, number));

    worker_refuse(worker, release(worker, number), &peer, reason, 0);
}
