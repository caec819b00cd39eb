/* SPDX-License-Identifier: MIT */
#include "daemon/supervisor_state.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "net/recovery.h"

/*
 * A worker that died, or all of them with the supervisor before this one, may have left orphans:
 * connections whose slots are whole and of which a copy is in escrow. They are handed to workers
 * that live, with the copies for descriptors, one message of the escrow at a time, as the
 * connections of a worker that leaves are.
 *
 * One connection of each dead worker may have been in the middle of a step. For that one the kernel
 * is asked how far it came, before anybody else gets the worker's place, and with it the buffer in
 * which its bytes lie.
 */

/* Others have copies of the descriptor: to close this one would tell the peer nothing. */
static bool end_unless_recovered(struct crew *crew, uint32_t number, int fd, enum recovery recovery)
{
    if (recovery == RECOVERED)
        return false;
    if (recovery == RECOVERY_UNKNOWN) {
        stream_reset(fd);
        crew->adoption.lost++;
    }
    (void)shutdown(fd, SHUT_RDWR); /* Fails where it has ended already. */
    crew_forget_slot(crew, number);
    return true;
}

/* Without the connection nobody can tell what it is owed: who found a copy later must not go on. */
static void mend_slot(struct crew *crew, uint32_t number, uint32_t dead)
{
    struct slot *slot = &crew->arena->slots.slots[number];
    _cleanup_(closep) int fd = crew_find_kept(crew, number, (uint32_t)slot->cookie);
    _cleanup_(closep) int pipe = crew_find_pipe(crew, dead);
    const struct wreck wreck = {.number = number,
                                .buffer = crew->arena->workers[dead].buffer,
                                .pipe = pipe,
                                .spill = crew->arena->spill};

    if (fd >= 0) {
        end_unless_recovered(crew, number, fd, recovery_of_stream(slot, fd, &wreck));
    } else {
        crew_forget_slot(crew, number);
        crew->adoption.lost++;
    }
}

static bool was_of(const struct slot *slot, uint32_t dead)
{
    return slot_owner(slot) == SLOT_FIRST_WORKER + dead && slot->cookie != 0;
}

static void mend(struct crew *crew, uint32_t dead)
{
    struct arena_worker *worker = &crew->arena->workers[dead];
    uint32_t at = atomic_load_explicit(&worker->at, memory_order_relaxed);
    struct slot *slot = at > 0 && at <= ARENA_SLOTS ? &crew->arena->slots.slots[at - 1] : NULL;

    if (slot && was_of(slot, dead))
        mend_slot(crew, at - 1, dead);
    atomic_store_explicit(&worker->at, 0, memory_order_relaxed);
}

static void leave_orphans(struct crew *crew, uint32_t owner, bool adoptable, struct bereaved *sum)
{
    const struct slot_table *slots = &crew->arena->slots;

    for (int64_t n = slot_next(slots, owner, 0); n >= 0;
         n = slot_next(slots, owner, (uint32_t)n + 1)) {
        struct slot *slot = &slots->slots[n];

        if (adoptable && slot->cookie != 0) {
            slot_set_owner(slot, SLOT_ORPHAN);
            sum->orphans++;
        } else {
            crew_forget_slot(crew, (uint32_t)n);
            sum->lost++;
        }
    }
}

struct bereaved crew_bury_place(struct crew *crew, uint32_t dead, bool adoptable)
{
    struct stats *stats = &crew->arena->workers[dead].stats;
    uint32_t owner = SLOT_FIRST_WORKER + dead;
    struct bereaved sum = {0};

    mend(crew, dead);
    crew_forget_pipe(crew, dead);
    leave_orphans(crew, owner, adoptable, &sum);
    leave_orphans(crew, owner | SLOT_IN_TRANSIT, adoptable, &sum);
    ledger_bury(&crew->arena->ledger, owner);
    stats_end(stats);
    stats_sum(crew->arena->past, stats);
    memset(stats, 0, sizeof(*stats));
    return sum;
}

/* Whether it is an orphan's, whose slot is as sound as it should be, whoever wrote to it. */
static bool is_adoptable(struct crew *crew, const struct escrow_entry *entry, int fd)
{
    struct slot *slot;

    if (fd < 0 || !crew_is_kept(crew, entry))
        return false;
    slot = &crew->arena->slots.slots[entry->number];
    return slot_owner(slot) == SLOT_ORPHAN && slot_is_of(slot, fd) &&
           !end_unless_recovered(crew, entry->number, fd,
                                 recovery_of_stream(slot, fd, &(struct wreck){.pipe = -1}));
}

/* The orphans of a message of the escrow, as a batch to be taken. */
static void collect(struct crew *crew, const struct escrow_entry *entries, int *fds, int count,
                    struct message *batch)
{
    for (int i = 0; i < count; i++) {
        int fd = fds[i];

        fds[i] = -1;
        if (!is_adoptable(crew, &entries[i], fd)) {
            closep(&fd);
            continue;
        }
        batch->slots[batch->count] = entries[i].number;
        fds[batch->count++] = fd;
    }
}

/* Those of which no copy was found. */
static uint64_t forget_rest(struct crew *crew)
{
    uint64_t count = 0;

    for (int64_t n = slot_next(&crew->arena->slots, SLOT_ORPHAN, 0); n >= 0;
         n = slot_next(&crew->arena->slots, SLOT_ORPHAN, (uint32_t)n + 1)) {
        crew_forget_slot(crew, (uint32_t)n);
        count++;
    }
    return count;
}

static void finish(struct supervisor *s)
{
    struct adoption *adoption = &s->crew.adoption;
    uint64_t lost = adoption->lost + forget_rest(&s->crew);

    adoption->state = ADOPTION_NONE;
    if (adoption->count > 0 || lost > 0)
        (void)log_event(EVENT_ADOPTED, 0,
                        LOG_FIELDS(LOG_NUMBER(FIELD_CONNECTIONS, adoption->count),
                                   LOG_NUMBER(FIELD_LOST, lost)),
                        "Connections whose worker is gone go on: %llu; lost: %llu",
                        (unsigned long long)adoption->count, (unsigned long long)lost);
    adoption->count = adoption->lost = 0;
    if (escrow_is_inherited(&s->crew.escrow))
        crew_tidy_escrow(&s->crew);
    else
        crew_tidy_escrow_if_dead(&s->crew);
}

/* Hands one batch on. False when nobody is there to take it. */
static bool hand_on(struct supervisor *s, struct message *batch, const int *fds)
{
    struct crew *crew = &s->crew;
    uint32_t taker = crew_choose_taker(crew);
    int r;

    if (taker == MEMBER_NOBODY)
        return false;
    r = crew_send_batch(s, taker, batch, fds);
    if (r < 0 && r != -EPIPE && r != -EAGAIN) { /* else it dies, and leaves them as orphans again */
        for (uint32_t i = 0; i < batch->count; i++)
            slot_set_owner(&s->arena.slots.slots[batch->slots[i]], SLOT_ORPHAN);
        return false;
    }
    s->crew.member[taker].dead |= r == -EPIPE;
    crew->adoption.taker = taker;
    crew->adoption.batch = batch->count;
    crew->adoption.count += batch->count;
    return true;
}

static void adopt_more(struct supervisor *s)
{
    struct adoption *adoption = &s->crew.adoption;
    struct escrow_entry entries[ESCROW_BATCH];
    int fds[ESCROW_BATCH];

    while (adoption->state == ADOPTION_RUNNING && adoption->taker == MEMBER_NOBODY) {
        struct message batch = {.kind = MESSAGE_TAKE};
        int count = escrow_next(&s->crew.escrow, entries, fds);

        if (count <= 0) {
            finish(s);
            return;
        }
        collect(&s->crew, entries, fds, count, &batch);
        if (batch.count > 0 && !hand_on(s, &batch, fds))
            adoption->state = ADOPTION_WAITING;
        rights_close(fds);
    }
}

void crew_adopt(struct supervisor *s)
{
    if (s->stop != STOP_NONE)
        return;
    escrow_rewind(&s->crew.escrow);
    s->crew.adoption.state = ADOPTION_RUNNING;
    adopt_more(s);
}

void crew_resume_adopting(struct supervisor *s)
{
    if (s->crew.adoption.state == ADOPTION_WAITING)
        crew_adopt(s);
}

void crew_on_adopted(struct supervisor *s, uint32_t taker)
{
    if (s->crew.adoption.taker != taker)
        return;
    s->crew.adoption.taker = MEMBER_NOBODY;
    adopt_more(s);
}

/*
 * From the beginning: those that it left are anywhere in the escrow. Also when the one that it was
 * at is all that was lost, which is told at the end.
 */
void crew_adopt_from(struct supervisor *s, const struct death *death)
{
    if (death->had.orphans > 0 || s->crew.adoption.lost > 0)
        s->crew.adoption.state = ADOPTION_WAITING;
    crew_on_adopted(s, death->number); /* It will not say so any more. */
    crew_resume_adopting(s);
}
