/* SPDX-License-Identifier: MIT */
#include "daemon/supervisor_state.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/log.h"

/*
 * What is in escrow: copies of the connections that workers give to keep, and of their pipes, whose
 * content belongs to a connection. The supervisor has none of these itself: it puts them in, and
 * now and then moves what is still of use to new boxes, so that the old ones can go.
 *
 * An entry is of use if the slot that it names still is that connection's.
 */

static uint32_t slot_mark(const struct slot *slot)
{
    return (uint32_t)slot->cookie;
}

bool crew_is_kept(const struct crew *crew, const struct escrow_entry *entry)
{
    const struct slot *slot;

    if (entry->number >= ARENA_SLOTS)
        return false;
    slot = &crew->arena->slots.slots[entry->number];
    return slot_owner(slot) != SLOT_NOBODY && slot->cookie != 0 && slot_mark(slot) == entry->mark;
}

uint64_t *crew_seen_new(void)
{
    return calloc(ARENA_SLOTS / 64, sizeof(uint64_t));
}

bool crew_sees_first(uint64_t *seen, uint32_t number)
{
    uint64_t bit = UINT64_C(1) << number % 64, *word = &seen[number / 64];
    bool is_first = !(*word & bit);

    *word |= bit;
    return is_first;
}

static bool is_pipe_in_use(const struct crew *crew, const struct escrow_entry *entry)
{
    uint32_t number = entry->number & ~ESCROW_PIPE;

    return (entry->number & ESCROW_PIPE) && number < ARENA_WORKERS &&
           crew->arena->workers[number].pipe == entry->mark;
}

/* Entries on their way to new boxes, as many at a time as a message takes. */
struct parcel {
    struct escrow boxes;
    struct escrow_entry entries[ESCROW_BATCH];
    int fds[ESCROW_BATCH];
    uint32_t count;
    uint64_t *seen;
};

static int parcel_send(struct parcel *parcel)
{
    int r = 0;

    if (parcel->count > 0)
        r = escrow_put(&parcel->boxes, parcel->entries, parcel->fds, parcel->count);
    for (uint32_t i = 0; i < parcel->count; i++)
        closep(&parcel->fds[i]);
    parcel->count = 0;
    return r;
}

static bool is_wanted(const struct crew *crew, struct parcel *parcel,
                      const struct escrow_entry *entry)
{
    if (crew_is_kept(crew, entry))
        return crew_sees_first(parcel->seen, entry->number);
    return is_pipe_in_use(crew, entry);
}

/* Takes what is of use out of a message. A descriptor that did not arrive must not get lost. */
static int parcel_add(struct parcel *parcel, const struct crew *crew,
                      const struct escrow_entry *entries, int *fds, int count)
{
    int r = 0;

    for (int i = 0; i < count && r == 0; i++) {
        if (!is_wanted(crew, parcel, &entries[i]))
            continue;
        if (fds[i] < 0)
            return -EMFILE;
        parcel->entries[parcel->count] = entries[i];
        parcel->fds[parcel->count++] = fds[i];
        fds[i] = -1;
        if (parcel->count == crew_batch(crew))
            r = parcel_send(parcel);
    }
    return r;
}

static int parcel_fill(struct parcel *parcel, struct crew *crew)
{
    struct escrow_entry entries[ESCROW_BATCH];
    int fds[ESCROW_BATCH];
    int count, r = 0;

    escrow_rewind(&crew->escrow);
    while (r == 0 && (count = escrow_next(&crew->escrow, entries, fds)) != 0) {
        r = count < 0 ? count : parcel_add(parcel, crew, entries, fds, count);
        if (count > 0)
            rights_close(fds);
    }
    return r == 0 ? parcel_send(parcel) : r;
}

/*
 * If it does not work out, what is there stays as it is: also when the service manager has the old
 * boxes and did not take the new ones. What ends while this is under way may get
 * into the new boxes, and is counted as theirs.
 */
void crew_tidy_escrow(struct crew *crew)
{
    uint64_t ended = stats_read(crew->arena->kept_ended);
    struct parcel parcel = {.seen = crew_seen_new()};
    int r = -ENOMEM;

    escrow_init(&parcel.boxes, crew->escrow.next_number);
    if (parcel.seen)
        r = parcel_fill(&parcel, crew);
    if (r == 0 && crew->escrow.unstored == 0)
        r = parcel.boxes.unstored;
    free(parcel.seen);
    for (uint32_t i = 0; i < parcel.count; i++)
        closep(&parcel.fds[i]);
    if (r == 0) {
        escrow_replace(&crew->escrow, &parcel.boxes);
        crew->kept_ended = ended;
        return;
    }
    crew->escrow.next_number = parcel.boxes.next_number;
    escrow_discard(&parcel.boxes);
    escrow_rewind(&crew->escrow); /* for an adoption that is under way */
}

/* Entries that are of no use any more. */
static uint64_t count_dead(const struct crew *crew)
{
    return stats_read(crew->arena->kept_ended) - crew->kept_ended;
}

void crew_tidy_escrow_if_sparse(struct crew *crew)
{
    if (escrow_is_sparse(&crew->escrow, count_dead(crew)))
        crew_tidy_escrow(crew);
}

void crew_tidy_escrow_if_dead(struct crew *crew)
{
    if (count_dead(crew) > 0)
        crew_tidy_escrow(crew);
}

/*
 * A worker's word is not taken for it: the slot has to be its own, or just given away by it. It may
 * also be another connection's by now.
 */
static bool may_keep(const struct crew *crew, uint32_t from, uint32_t number, int fd)
{
    const struct slot *slot;

    if (number >= ARENA_SLOTS)
        return false;
    slot = &crew->arena->slots.slots[number];
    return (slot_owner(slot) & ~SLOT_IN_TRANSIT) == SLOT_FIRST_WORKER + from &&
           slot_is_of(slot, fd);
}

/*
 * Descriptors under way count against a user's RLIMIT_NOFILE, unix(7). A third of it may be in
 * escrow, a third is for what is moved to new boxes, a third for handovers.
 */
static bool has_room(struct crew *crew, uint32_t count)
{
    uint64_t most = crew->descriptors / 3;

    if (crew->escrow.entries + count > most && count_dead(crew) > most / 8)
        crew_tidy_escrow(crew);
    return crew->escrow.entries + count <= most;
}

static void log_unkept(const struct crew *crew, uint32_t count, int error)
{
    (void)log_event(EVENT_NOTICE, error, LOG_FIELDS(LOG_NUMBER(FIELD_CONNECTIONS, count)),
                    "Connections that would not survive a crash: %u more: %m (%zu descriptors "
                    "allow for %zu: ulimit -Hn, LimitNOFILE=)",
                    count, crew->descriptors, crew->descriptors / 3);
}

/* What has ended since, or did not arrive for want of descriptors, is left out. */
static uint32_t choose_kept(const struct crew *crew, uint32_t from, const struct message *message,
                            int *fds, struct escrow_entry *entries)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < message->count; i++) {
        uint32_t number = message->slots[i];

        if (!may_keep(crew, from, number, fds[i]))
            closep(&fds[i]);
        if (fds[i] < 0)
            continue;
        entries[count] = (struct escrow_entry){
            .number = number, .mark = slot_mark(&crew->arena->slots.slots[number])};
        if (count < i) {
            fds[count] = fds[i];
            fds[i] = -1;
        }
        count++;
    }
    return count;
}

void crew_on_keep(struct crew *crew, uint32_t from, const struct message *message, int *fds)
{
    struct escrow_entry entries[ESCROW_BATCH];
    uint32_t count;
    int r = -ETOOMANYREFS;

    count = choose_kept(crew, from, message, fds, entries);
    if (count == 0)
        return;
    if (has_room(crew, count))
        r = escrow_put(&crew->escrow, entries, fds, count);
    if (r < 0)
        log_unkept(crew, count, r);
    crew_tidy_escrow_if_sparse(crew);
}

int crew_find_kept(struct crew *crew, uint32_t number, uint32_t mark)
{
    struct escrow_entry entries[ESCROW_BATCH];
    int fds[ESCROW_BATCH];
    int found = -1, count;

    escrow_rewind(&crew->escrow);
    while (found < 0 && (count = escrow_next(&crew->escrow, entries, fds)) > 0) {
        for (int i = 0; i < count && found < 0; i++)
            if (entries[i].number == number && entries[i].mark == mark) {
                found = fds[i];
                fds[i] = -1;
            }
        rights_close(fds);
    }
    escrow_rewind(&crew->escrow); /* An adoption that is under way looks at all of it again. */
    return found;
}

/* No two pipes that are open at the same time have the same. */
static uint32_t pipe_mark(int pipe)
{
    struct stat st;

    return pipe >= 0 && fstat(pipe, &st) == 0 ? (uint32_t)st.st_ino : 0;
}

/*
 * What is in a worker's pipe when it dies is owed to a connection. The worker gets both ends, and
 * the escrow the one to read from.
 */
void crew_keep_pipe(struct crew *crew, uint32_t number, int pipe)
{
    const struct escrow_entry entry = {.number = ESCROW_PIPE | number, .mark = pipe_mark(pipe)};

    crew->arena->workers[number].pipe = entry.mark;
    if (entry.mark != 0)
        (void)escrow_put(&crew->escrow, &entry, &pipe, 1); /* If not, its content dies with it. */
}

int crew_find_pipe(struct crew *crew, uint32_t number)
{
    uint32_t mark = crew->arena->workers[number].pipe;

    return mark != 0 ? crew_find_kept(crew, ESCROW_PIPE | number, mark) : -1;
}

/* The entry stays until the escrow is tidied, as that of a connection that has ended. */
void crew_forget_pipe(struct crew *crew, uint32_t number)
{
    if (crew->arena->workers[number].pipe == 0)
        return;
    crew->arena->workers[number].pipe = 0;
    atomic_fetch_add_explicit(crew->arena->kept_ended, 1, memory_order_relaxed);
}
