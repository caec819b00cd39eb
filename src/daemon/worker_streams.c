/* SPDX-License-Identifier: MIT */
#include "daemon/worker_state.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>

#include "base/cleanup.h"
#include "net/proxy.h"

enum {
    DRAIN_SILENCE_MS = 1000, /* on a stop, who has been silent for this long is done */
    SWEEP_PAUSE_MS = 200,    /* between two looks at all connections */
    BULK_STEPS = 4,          /* for who sends a lot, before the others have their turn */
};

/* A connection's silence that ends it now, in milliseconds, or NEVER_MS. */
static uint64_t silence_limit(const struct worker *worker, const struct slot *slot)
{
    uint64_t idle = (uint64_t)worker->setup->conf->idle_timeout * 1000;

    if (worker->mode == WORKER_DRAINING && !stream_owes(slot))
        return DRAIN_SILENCE_MS;
    if (slot->header_due) /* Until it is whole, slot->active_ms is the time of the accept. */
        return PROXY_TIMEOUT_MS;
    return idle ? idle : NEVER_MS;
}

/* Whether bytes have come that are not read yet: such a connection is not silent. */
static bool has_unread(int fd)
{
    int count = 0;

    return ioctl(fd, FIONREAD, &count) == 0 && count > 0;
}

static void end_silent(struct worker *worker, uint32_t number)
{
    if (worker->mode == WORKER_DRAINING)
        worker_end_stream(worker, number, "stopped", 0);
    else if (worker_slot(worker, number)->header_due)
        worker_miss_header(worker, number);
    else
        worker_end_stream(worker, number, "idle", 0);
}

/* Ends the connection if its time has come: else the time when it may. */
static uint64_t sweep_stream(struct worker *worker, uint32_t number)
{
    const struct slot *slot = worker_slot(worker, number);
    uint64_t limit = silence_limit(worker, slot);

    if (limit != NEVER_MS && worker->now_ms >= slot->active_ms + limit && !has_unread(slot->fd)) {
        end_silent(worker, number);
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
    struct slot *slot = worker_slot(worker, number);
    int r = worker_watch(worker, operation, slot->fd, interest, SOURCE_STREAM, number);

    if (r == 0)
        slot->interest = interest;
    return r;
}

int worker_add_stream(struct worker *worker, uint32_t number, int fd)
{
    struct slot *slot = worker_slot(worker, number);
    int r;

    slot->fd = fd;
    r = watch_stream(worker, number, EPOLL_CTL_ADD, EPOLLIN);
    if (r < 0) {
        ledger_close(&worker->setup->arena->ledger, number);
        return r;
    }
    stats_add(&worker->io.stats->connections, 1);
    worker_keep_later(worker, number);
    sweep_by(worker, slot);
    return 0;
}

static void await(struct worker *worker, uint32_t number, uint32_t interest)
{
    if (worker_slot(worker, number)->interest != interest &&
        watch_stream(worker, number, EPOLL_CTL_MOD, interest) < 0)
        worker_lose_stream(worker, number, errno);
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

    worker_begin(worker, slot->number);
    do {
        before = slot->received;
        next = stream_step(slot, &worker->io);
    } while (next == STREAM_READ && slot->bulk && slot->received > before && ++steps < BULK_STEPS);
    worker_settle(worker);
    return next;
}

void worker_serve(struct worker *worker, uint32_t number)
{
    struct slot *slot = worker_slot(worker, number);

    /* It may have been closed or given away since epoll_wait(2) answered. */
    if (slot_owner(slot) != worker->owner)
        return;
    if (slot->header_due) {
        bool whole;

        worker_begin(worker, number);
        whole = worker_has_header(worker, number);
        worker_settle(worker);
        if (!whole)
            return;
        sweep_by(worker, slot); /* Now idle_timeout counts, which may be shorter. */
    }
    switch (step(worker, slot)) {
    case STREAM_READ:
        await(worker, number, EPOLLIN);
        break;
    case STREAM_WRITE:
        await(worker, number, EPOLLOUT);
        break;
    case STREAM_FINISHED:
        worker_end_stream(worker, number, "finished", 0);
        break;
    case STREAM_BROKEN:
        worker_lose_stream(worker, number, errno);
        break;
    }
}

/* The next batch, out of epoll already. Most is at most MESSAGE_SLOTS_MAX, as in any message. */
static void collect(struct worker *worker, struct message *batch, int *fds, uint32_t most)
{
    const struct slot_table *slots = &worker->setup->arena->slots;
    int64_t n = slot_next(slots, worker->owner, 0);

    for (; n >= 0 && batch->count < most; n = slot_next(slots, worker->owner, (uint32_t)n + 1)) {
        int fd = worker_slot(worker, (uint32_t)n)->fd;

        (void)worker_watch(worker, EPOLL_CTL_DEL, fd, 0, SOURCE_STREAM, (uint32_t)n);
        worker_keep_not(worker, (uint32_t)n);
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
        slot_set_owner(worker_slot(worker, batch.slots[i]), worker->owner | SLOT_IN_TRANSIT);
    worker_send(worker, &batch, fds);
    for (uint32_t i = 0; i < batch.count; i++)
        closep(&fds[i]);
    stats_sub(&worker->io.stats->connections, batch.count);
}

/*
 * What has come of a PROXY header may have become whole just before its last reader was killed:
 * then no more comes that would tell.
 */
static void go_on(struct worker *worker, uint32_t number)
{
    const struct slot *slot = worker_slot(worker, number);

    sweep_by(worker, slot);
    if (slot->header_due && slot->spill_end > 0)
        worker_serve(worker, number);
}

void worker_take(struct worker *worker, const struct message *message, const int *fds)
{
    for (uint32_t i = 0; i < message->count; i++) {
        uint32_t number = message->slots[i];
        struct slot *slot = worker_slot(worker, number);

        slot->fd = fds[i];
        slot->copied = true; /* by the giver and the supervisor, for a moment still */
        slot_set_owner(slot, worker->owner); /* no longer in transit: the descriptor is ours */
        stats_add(&worker->io.stats->connections, 1);
        worker_keep_later(worker, message->slots[i]);
        if (fds[i] < 0) /* This process's table of descriptors is full. */
            worker_lose_stream(worker, number, EMFILE);
        else if (watch_stream(worker, number, EPOLL_CTL_ADD,
                              stream_owes(slot) ? EPOLLOUT : EPOLLIN) < 0)
            worker_lose_stream(worker, number, errno);
        else
            go_on(worker, number);
    }
}
