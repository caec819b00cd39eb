/* SPDX-License-Identifier: MIT */
#include "daemon/worker_state.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "base/clock.h"

enum {
    DRAIN_SILENCE_MS = 1000, /* on a stop, who has been silent for this long is done */
    SWEEP_PAUSE_MS = 200,    /* between two looks at all connections */
    BULK_STEPS = 4,          /* for who sends a lot, before the others have their turn */
};

static struct slot *slot_at(struct worker *worker, uint32_t number)
{
    return &worker->setup->arena->slots.slots[number];
}

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

/* Gives the slot back; the descriptor is the caller's to close. */
static void forget(struct worker *worker, uint32_t number)
{
    stream_drop(slot_at(worker, number), &worker->io);
    ledger_close(&worker->setup->arena->ledger, number);
}

static void end_stream(struct worker *worker, uint32_t number, const char *reason, int error)
{
    const struct slot *slot = slot_at(worker, number);
    bool copied = slot->copied;
    int fd = slot->fd;

    report_end(worker, slot, reason, error);
    forget(worker, number); /* first: a peer that sees the end finds its place free */
    stats_sub(&worker->io.stats->connections, 1);
    if (copied) { /* Then close(2) would neither remove it from epoll nor tell the peer. */
        (void)worker_watch(worker, EPOLL_CTL_DEL, fd, 0, SOURCE_STREAM, number);
        (void)shutdown(fd, SHUT_RDWR); /* Fails where the peer was first. */
    }
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

/* A connection's silence that ends it now, in milliseconds, or NEVER_MS. */
static uint64_t silence_limit(const struct worker *worker, const struct slot *slot)
{
    uint64_t idle = (uint64_t)worker->setup->conf->idle_timeout * 1000;

    if (worker->mode == WORKER_DRAINING && !stream_owes(slot))
        return DRAIN_SILENCE_MS;
    return idle ? idle : NEVER_MS;
}

/* Whether bytes have come that are not read yet: such a connection is not silent. */
static bool has_unread(int fd)
{
    int count = 0;

    return ioctl(fd, FIONREAD, &count) == 0 && count > 0;
}

/* Ends the connection if its time has come: else the time when it may. */
static uint64_t sweep_stream(struct worker *worker, uint32_t number)
{
    const struct slot *slot = slot_at(worker, number);
    uint64_t limit = silence_limit(worker, slot);

    if (limit != NEVER_MS && worker->now_ms >= slot->active_ms + limit && !has_unread(slot->fd)) {
        end_stream(worker, number, worker->mode == WORKER_DRAINING ? "stopped" : "idle", 0);
        return NEVER_MS;
    }
    if (worker->mode == WORKER_DRAINING && stream_owes(slot))
        return worker->now_ms; /* before long: then it may owe nothing any more */
    return limit == NEVER_MS ? NEVER_MS : slot->active_ms + limit;
}

/* No connection has a timer: all are looked at when the first one may be due. */
void worker_sweep(struct worker *worker)
{
    const struct slot_table *slots = &worker->setup->arena->slots;
    uint64_t next = NEVER_MS;

    for (int64_t n = slot_next(slots, worker->owner, 0); n >= 0;
         n = slot_next(slots, worker->owner, (uint32_t)n + 1)) {
        uint64_t due = sweep_stream(worker, (uint32_t)n);

        next = due < next ? due : next;
    }
    if (next < worker->now_ms + SWEEP_PAUSE_MS)
        next = worker->now_ms + SWEEP_PAUSE_MS;
    worker->sweep_ms = next;
}

static void sweep_by(struct worker *worker, const struct slot *slot)
{
    uint64_t limit = silence_limit(worker, slot);

    if (limit != NEVER_MS && slot->active_ms + limit < worker->sweep_ms)
        worker->sweep_ms = slot->active_ms + limit;
}

static int watch_stream(struct worker *worker, uint32_t number, int operation, uint32_t interest)
{
    struct slot *slot = slot_at(worker, number);
    int r = worker_watch(worker, operation, slot->fd, interest, SOURCE_STREAM, number);

    if (r == 0)
        slot->interest = interest;
    return r;
}

int worker_add_stream(struct worker *worker, uint32_t number, int fd)
{
    struct slot *slot = slot_at(worker, number);
    int r;

    slot->fd = fd;
    r = watch_stream(worker, number, EPOLL_CTL_ADD, EPOLLIN);
    if (r < 0) {
        ledger_close(&worker->setup->arena->ledger, number);
        return r;
    }
    stats_add(&worker->io.stats->connections, 1);
    sweep_by(worker, slot);
    return 0;
}

static void await(struct worker *worker, uint32_t number, uint32_t interest)
{
    if (slot_at(worker, number)->interest != interest &&
        watch_stream(worker, number, EPOLL_CTL_MOD, interest) < 0)
        end_stream(worker, number, error_reason(errno), errno);
}

bool worker_serves(const struct worker *worker, uint32_t number)
{
    const struct slot_table *slots = &worker->setup->arena->slots;

    return number < slots->pool.capacity && slot_owner(&slots->slots[number]) == worker->owner &&
           slots->slots[number].interest == EPOLLIN;
}

/* One step, or a few while a peer has a lot to say. */
static enum stream_next step(struct worker *worker, struct slot *slot)
{
    enum stream_next next;
    uint64_t before;
    unsigned steps = 0;

    do {
        before = slot->received;
        next = stream_step(slot, &worker->io);
    } while (next == STREAM_READ && slot->bulk && slot->received > before && ++steps < BULK_STEPS);
    return next;
}

void worker_serve(struct worker *worker, uint32_t number)
{
    struct slot *slot = slot_at(worker, number);

    /* It may have been closed or given away since epoll_wait(2) answered. */
    if (slot_owner(slot) != worker->owner)
        return;
    switch (step(worker, slot)) {
    case STREAM_READ:
        await(worker, number, EPOLLIN);
        break;
    case STREAM_WRITE:
        await(worker, number, EPOLLOUT);
        break;
    case STREAM_FINISHED:
        end_stream(worker, number, "finished", 0);
        break;
    case STREAM_BROKEN:
        end_stream(worker, number, error_reason(errno), errno);
        break;
    }
}

/* The next batch, out of epoll already. Most is at most MESSAGE_SLOTS_MAX, as in any message. */
static void collect(struct worker *worker, struct message *batch, int *fds, uint32_t most)
{
    const struct slot_table *slots = &worker->setup->arena->slots;
    int64_t n = slot_next(slots, worker->owner, 0);

    for (; n >= 0 && batch->count < most; n = slot_next(slots, worker->owner, (uint32_t)n + 1)) {
        int fd = slot_at(worker, (uint32_t)n)->fd;

        (void)worker_watch(worker, EPOLL_CTL_DEL, fd, 0, SOURCE_STREAM, (uint32_t)n);
        fds[batch->count] = fd;
        batch->slots[batch->count++] = (uint32_t)n;
    }
}

/* An empty batch says that there are no more: nothing may be accepted any more by then. */
void worker_give(struct worker *worker, uint32_t most)
{
    struct message batch = {.kind = MESSAGE_GIVEN};
    int fds[MESSAGE_SLOTS_MAX];

    collect(worker, &batch, fds, most);
    for (uint32_t i = 0; i < batch.count; i++)
        slot_set_owner(slot_at(worker, batch.slots[i]), worker->owner | SLOT_IN_TRANSIT);
    worker_send(worker, &batch, fds);
    for (uint32_t i = 0; i < batch.count; i++)
        closep(&fds[i]);
    stats_sub(&worker->io.stats->connections, batch.count);
}

void worker_take(struct worker *worker, const struct message *message, const int *fds)
{
    for (uint32_t i = 0; i < message->count; i++) {
        struct slot *slot = slot_at(worker, message->slots[i]);

        slot->fd = fds[i];
        slot->copied = true; /* by the giver and the supervisor, for a moment still */
        slot_set_owner(slot, worker->owner); /* no longer in transit: the descriptor is ours */
        if (fds[i] < 0) {                    /* This process's table of descriptors is full. */
            report_end(worker, slot, "error", EMFILE);
            forget(worker, message->slots[i]);
            continue;
        }
        stats_add(&worker->io.stats->connections, 1);
        if (watch_stream(worker, message->slots[i], EPOLL_CTL_ADD, slot->interest) < 0)
            end_stream(worker, message->slots[i], error_reason(errno), errno);
        else
            sweep_by(worker, slot);
    }
}
