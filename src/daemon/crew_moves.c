/* SPDX-License-Identifier: MIT */
#include "daemon/supervisor_state.h"

#include <errno.h>

#include "base/log.h"
#include "daemon/balance.h"

/*
 * Connections on their way between workers: all those of an old worker at a reload, or what one
 * has beyond its share. Either way it is told to give a batch, which goes to the one that has the
 * fewest, and when that one has said TAKEN, the next batch may follow.
 */

/* Connections that were passed on to a member and that it has not taken yet. */
static uint64_t promised(const struct crew *crew, uint32_t taker)
{
    uint64_t sum = 0;

    for (uint32_t i = 0; i < ARENA_WORKERS; i++)
        if (crew->member[i].state != MEMBER_NONE && crew->member[i].awaited == taker)
            sum += crew->member[i].batch;
    if (crew->adoption.taker == taker)
        sum += crew->adoption.batch;
    return sum;
}

/* What a member has, or will have. */
static uint64_t member_load(const struct crew *crew, uint32_t number)
{
    return stats_read(&crew->arena->workers[number].stats.connections) + promised(crew, number);
}

static bool member_may_take(const struct member *member)
{
    return member->state == MEMBER_SERVING && !member->dead && !member->stopped;
}

/* Of those that serve, the one with the fewest connections. */
uint32_t crew_choose_taker(const struct crew *crew)
{
    uint32_t best = MEMBER_NOBODY;

    for (uint32_t i = 0; i < ARENA_WORKERS; i++)
        if (member_may_take(&crew->member[i]) &&
            (best == MEMBER_NOBODY || member_load(crew, i) < member_load(crew, best)))
            best = i;
    return best;
}

/* Of those that serve, the one with the most. */
static uint32_t choose_giver(const struct crew *crew)
{
    uint32_t best = MEMBER_NOBODY;

    for (uint32_t i = 0; i < ARENA_WORKERS; i++)
        if (member_may_take(&crew->member[i]) &&
            (best == MEMBER_NOBODY || member_load(crew, i) > member_load(crew, best)))
            best = i;
    return best;
}

/* From here on the slots of the batch are the taker's, who uses them when it has the descriptors.
 */
int crew_send_batch(struct supervisor *s, uint32_t taker, struct message *batch, const int *fds)
{
    for (uint32_t i = 0; i < batch->count; i++)
        slot_set_owner(&s->arena.slots.slots[batch->slots[i]],
                       (SLOT_FIRST_WORKER + taker) | SLOT_IN_TRANSIT);
    batch->kind = MESSAGE_TAKE;
    return crew_send(&s->crew, taker, batch, fds);
}

static int pass_batch(struct supervisor *s, uint32_t giver, uint32_t taker, struct message *batch,
                      const int *fds)
{
    s->crew.member[giver].awaited = taker;
    s->crew.member[giver].batch = batch->count;
    return crew_send_batch(s, taker, batch, fds);
}

static void log_lost(uint32_t giver, int error, uint32_t lost)
{
    (void)log_event(
        EVENT_NOTICE, error,
        LOG_FIELDS(LOG_NUMBER(FIELD_WORKER, giver), LOG_NUMBER(FIELD_CONNECTIONS, lost)),
        "Connections of worker %u lost on their way to another: %u: %m", giver, lost);
}

/*
 * When there is nobody to take a batch, as all that serve have died, it goes back; at a reload
 * until crew_resume_giving().
 */
static void pass_on(struct supervisor *s, uint32_t giver, struct message *batch, const int *fds)
{
    uint32_t taker;
    bool back;
    int r;

    do {
        taker = crew_choose_taker(&s->crew);
        back = taker == MEMBER_NOBODY;
        if (back)
            taker = giver;
        r = pass_batch(s, giver, taker, batch, fds);
        s->crew.member[taker].dead = r == -EPIPE;
    } while (r == -EPIPE && !back);
    if (r == 0 || r == -EPIPE || r == -EAGAIN)
        return; /* Taken, or what is lost is counted with the death that follows. */
    log_lost(giver, r, batch->count);
    for (uint32_t i = 0; i < batch->count; i++)
        crew_forget_slot(&s->crew, batch->slots[i]);
    s->crew.member[giver].awaited = MEMBER_NOBODY;
    if (s->crew.member[giver].state == MEMBER_GIVING) /* else it was not necessary to move them */
        crew_ask_for_more(s, giver);
}

/* Takes out of the batch what did not arrive, as this process had no room for it. */
static void drop_missing(struct supervisor *s, uint32_t giver, struct message *batch, int *fds)
{
    uint32_t kept = 0, count = batch->count;

    for (uint32_t i = 0; i < count; i++) {
        if (fds[i] < 0) {
            crew_forget_slot(&s->crew, batch->slots[i]);
            continue;
        }
        if (kept < i) {
            fds[kept] = fds[i];
            fds[i] = -1;
        }
        batch->slots[kept++] = batch->slots[i];
    }
    batch->count = kept;
    if (kept < count)
        log_lost(giver, EMFILE, count - kept);
}

/* A worker's word is not taken for it: the slots have to be its own. */
static bool batch_is_valid(const struct supervisor *s, uint32_t giver, const struct message *batch)
{
    for (uint32_t i = 0; i < batch->count; i++)
        if (batch->slots[i] >= ARENA_SLOTS || slot_owner(&s->arena.slots.slots[batch->slots[i]]) !=
                                                  ((SLOT_FIRST_WORKER + giver) | SLOT_IN_TRANSIT))
            return false;
    return true;
}

/*
 * Descriptors under way count against a user's RLIMIT_NOFILE, unix(7): all batches together take
 * a third of it at the most, see crew_keep.c, and each no more than this process has room for.
 */
static uint64_t room_for_batch(const struct supervisor *s)
{
    const struct crew *crew = &s->crew;
    size_t members = ARENA_WORKERS - crew_count(crew, MEMBER_NONE);
    size_t room = crew_room(crew, s->listeners.count + members);
    size_t share = crew->descriptors / 3 / (crew_count(crew, MEMBER_GIVING) + 1);

    return room < share ? room : share;
}

/* Small enough that the batches of a reload come out even: several for each taker. */
static uint64_t even_batch(const struct crew *crew, unsigned takers)
{
    enum { BATCHES_PER_TAKER = 8 };
    struct stats stats = crew_stats(crew);

    return stats_read(&stats.connections) / ((uint64_t)(takers + 1) * BATCHES_PER_TAKER);
}

static uint32_t batch_limit(const struct supervisor *s, uint64_t wanted)
{
    uint64_t room = room_for_batch(s);
    uint64_t limit = wanted < room ? wanted : room;

    if (limit > MESSAGE_SLOTS_MAX)
        return MESSAGE_SLOTS_MAX;
    return limit > 0 ? (uint32_t)limit : 1;
}

/* The share of those that serve. */
static struct balance crew_balance(const struct crew *crew)
{
    struct balance balance = {0};

    for (uint32_t i = 0; i < ARENA_WORKERS; i++)
        if (member_may_take(&crew->member[i])) {
            balance.workers++;
            balance.connections += member_load(crew, i);
        }
    return balance;
}

/* What a member may give up so that it has its share, and the taker no more than that. */
static uint64_t member_surplus(const struct crew *crew, uint32_t giver, uint32_t taker)
{
    struct balance balance = crew_balance(crew);
    uint64_t share = balance_share(&balance), has = member_load(crew, giver);
    uint64_t takes = member_load(crew, taker);

    if (!balance_exceeds(&balance, has) || takes >= share)
        return 0;
    return has - share < share - takes ? has - share : share - takes;
}

static _Atomic uint64_t *member_coming(const struct crew *crew, uint32_t number)
{
    return &crew->arena->workers[number].coming;
}

void crew_expect_all(struct crew *crew)
{
    unsigned takers = crew_count(crew, MEMBER_READY);
    struct stats stats = crew_stats(crew);
    uint64_t share = stats_read(&stats.connections) / takers + even_batch(crew, takers) + 1;

    for (uint32_t i = crew_next(crew, MEMBER_READY, 0); i != MEMBER_NOBODY;
         i = crew_next(crew, MEMBER_READY, i + 1))
        stats_set(member_coming(crew, i), share);
}

void crew_expect_nothing(struct crew *crew)
{
    for (uint32_t i = 0; i < arena_places(crew->arena); i++)
        stats_set(member_coming(crew, i), 0);
}

static void expect_less(struct crew *crew, uint32_t taker, uint64_t came)
{
    _Atomic uint64_t *coming = member_coming(crew, taker);

    stats_sub(coming, stats_read(coming) < came ? stats_read(coming) : came);
}

bool crew_is_quiet(const struct crew *crew)
{
    for (uint32_t i = 0; i < ARENA_WORKERS; i++) {
        const struct member *member = &crew->member[i];

        if (member->state == MEMBER_GIVING || member->asked ||
            (member->state != MEMBER_NONE && member->awaited != MEMBER_NOBODY))
            return false;
    }
    return crew->adoption.taker == MEMBER_NOBODY;
}

/* One batch at a time, so that what is under way stays within bounds. */
void crew_level(struct supervisor *s)
{
    struct crew *crew = &s->crew;
    uint32_t giver = choose_giver(crew), taker = crew_choose_taker(crew);
    struct message share = {.kind = MESSAGE_SHARE};
    uint64_t count;

    if (s->stop != STOP_NONE || giver == MEMBER_NOBODY || !crew_is_quiet(crew))
        return;
    count = member_surplus(crew, giver, taker);
    if (count == 0)
        return;
    share.count = batch_limit(s, count);
    stats_set(member_coming(crew, taker), share.count);
    crew->member[giver].asked = crew_send(crew, giver, &share, NULL) == 0;
}

void crew_ask_for_more(struct supervisor *s, uint32_t giver)
{
    struct message give = {
        .kind = MESSAGE_GIVE,
        .count = batch_limit(s, even_batch(&s->crew, crew_count(&s->crew, MEMBER_SERVING)))};

    s->crew.member[giver].awaited = MEMBER_NOBODY;
    if (s->crew.member[giver].state == MEMBER_GIVING)
        (void)crew_send(&s->crew, giver, &give, NULL); /* If it is dead, its death follows. */
    else
        crew_level(s);
}

void crew_resume_giving(struct supervisor *s)
{
    for (uint32_t i = crew_next(&s->crew, MEMBER_GIVING, 0); i != MEMBER_NOBODY;
         i = crew_next(&s->crew, MEMBER_GIVING, i + 1))
        if (s->crew.member[i].awaited == i)
            crew_ask_for_more(s, i);
}

/*
 * An empty batch says that there is nothing left: the end of a worker that gives all it has. It may
 * have been told to share before it was told to give; then its first answer is about that.
 */
void crew_on_given(struct supervisor *s, uint32_t giver, struct message *batch, int *fds)
{
    struct member *member = &s->crew.member[giver];
    bool shared = member->asked;

    member->asked = false;
    if (!batch_is_valid(s, giver, batch)) {
        crew_kill(&s->crew, giver);
    } else if (batch->count > 0) {
        drop_missing(s, giver, batch, fds);
        pass_on(s, giver, batch, fds);
    } else if (member->state == MEMBER_SERVING) {
        crew_expect_nothing(&s->crew); /* What was too much has ended by itself. */
    } else if (member->state == MEMBER_GIVING && !shared && member->awaited != giver) {
        crew_dismiss(&s->crew, giver);
        crew_let_others_look(&s->crew, giver);
    }
}

bool crew_on_taken(struct supervisor *s, uint32_t taker)
{
    struct crew *crew = &s->crew;

    for (uint32_t i = 0; i < ARENA_WORKERS; i++) {
        const struct member *member = &crew->member[i];

        if (member->state == MEMBER_NONE || member->awaited != taker)
            continue;
        if (member->state == MEMBER_GIVING && taker == i)
            continue; /* It has its batch back, and waits for crew_resume_giving(). */
        expect_less(crew, taker, member->batch);
        crew_ask_for_more(s, i);
        return true;
    }
    return false;
}
