/* SPDX-License-Identifier: MIT */
#include "daemon/worker_state.h"

/*
 * A connection of which the supervisor keeps a copy outlives this process. Not every one is worth
 * it: those that end soon would have twice the work, and so only who has lived for escrow_after is
 * kept. Until then connections are young: they hang together in the order in which they came, so
 * that nobody has to look for those whose time has come.
 */

enum { PAUSE_MS = 100 }; /* between two batches, so that each is worth a message */

void worker_keep_init(struct worker *worker)
{
    worker->young_first = worker->young_last = SLOT_NONE;
    worker->keep_ms = NEVER_MS;
}

/* When a connection is no longer young: 0 is at once. */
static uint64_t time_of(const struct worker *worker, uint32_t number)
{
    int64_t after_s = worker->setup->conf->escrow_after;

    if (after_s < 0)
        return NEVER_MS;
    if (after_s == 0)
        return 0;
    return worker_slot(worker, number)->opened_usec / 1000 + (uint64_t)after_s * 1000;
}

/* When the first of the young ones no longer is one. */
static uint64_t keep_time(const struct worker *worker)
{
    return worker->young_first == SLOT_NONE ? NEVER_MS : time_of(worker, worker->young_first);
}

static void keep_by(struct worker *worker, uint64_t ms)
{
    if (ms < worker->keep_ms)
        worker->keep_ms = ms;
}

static void insert(struct worker *worker, uint32_t number, uint32_t prev, uint32_t next)
{
    struct slot *slot = worker_slot(worker, number);

    slot->young_prev = prev;
    slot->young_next = next;
    if (prev == SLOT_NONE)
        worker->young_first = number;
    else
        worker_slot(worker, prev)->young_next = number;
    if (next == SLOT_NONE)
        worker->young_last = number;
    else
        worker_slot(worker, next)->young_prev = number;
}

/* Behind all who came before; but who was due already where it comes from has waited enough. */
void worker_keep_later(struct worker *worker, uint32_t number)
{
    struct slot *slot = worker_slot(worker, number);

    if (slot->cookie != 0)
        slot->young_next = slot->young_prev = number; /* It is kept already. */
    else if (time_of(worker, number) <= worker->now_ms)
        insert(worker, number, SLOT_NONE, worker->young_first);
    else
        insert(worker, number, worker->young_last, SLOT_NONE);
    keep_by(worker, keep_time(worker));
}

/* It links to itself then, so that to take it out once more makes no difference. */
void worker_keep_not(struct worker *worker, uint32_t number)
{
    struct slot *slot = worker_slot(worker, number);

    if (slot->young_prev == SLOT_NONE)
        worker->young_first = slot->young_next;
    else
        worker_slot(worker, slot->young_prev)->young_next = slot->young_next;
    if (slot->young_next == SLOT_NONE)
        worker->young_last = slot->young_prev;
    else
        worker_slot(worker, slot->young_next)->young_prev = slot->young_prev;
    slot->young_next = slot->young_prev = number;
}

/* The first of the young ones grows up. From here on its end has to be told by shutdown(2). */
static void grow_up(struct worker *worker, struct message *batch, int *fds)
{
    uint32_t number = worker->young_first;
    struct slot *slot = worker_slot(worker, number);

    worker_keep_not(worker, number);
    if (slot_read_cookie(slot, slot->fd) < 0)
        return; /* No kernel that echod runs on lacks it. */
    slot->copied = true;
    fds[batch->count] = slot->fd;
    batch->slots[batch->count++] = number;
}

/* Sends copies of all that are due at this time. */
static void keep_until(struct worker *worker, uint64_t ms)
{
    struct message batch = {.kind = MESSAGE_KEEP};
    int fds[MESSAGE_SLOTS_MAX];

    do {
        batch.count = 0;
        while (batch.count < worker->setup->batch && worker->young_first != SLOT_NONE &&
               keep_time(worker) <= ms)
            grow_up(worker, &batch, fds);
        if (batch.count > 0)
            worker_send(worker, &batch, fds);
    } while (batch.count > 0 && !worker->done);
}

void worker_keep(struct worker *worker)
{
    uint64_t soonest = worker->now_ms + (worker->setup->conf->escrow_after > 0 ? PAUSE_MS : 0);
    uint64_t next;

    keep_until(worker, worker->now_ms);
    next = keep_time(worker);
    worker->keep_ms = next > soonest ? next : soonest;
    if (next == NEVER_MS)
        worker->keep_ms = NEVER_MS;
}

void worker_keep_all(struct worker *worker)
{
    keep_until(worker, NEVER_MS);
    worker->keep_ms = NEVER_MS;
}
