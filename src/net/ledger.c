/* SPDX-License-Identifier: MIT */
#include "net/ledger.h"

#include <errno.h>

static int init_mutex(struct ledger *ledger)
{
    pthread_mutexattr_t attributes;
    int r = pthread_mutexattr_init(&attributes);

    if (r != 0)
        return -r;
    r = pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
    if (r == 0)
        r = pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
    if (r == 0)
        r = pthread_mutex_init(&ledger->state->mutex, &attributes);
    (void)pthread_mutexattr_destroy(&attributes); /* Does nothing on Linux. */
    return -r;
}

int ledger_init(struct ledger *ledger)
{
    int r = init_mutex(ledger);

    return r < 0 ? r : tally_init(&ledger->tally);
}

/*
 * Slots that are taken and nobody's were forgotten, or their taker died before it had entered
 * itself. Nobody is about to: slots are opened under the mutex.
 */
static void count_anew(struct ledger *ledger)
{
    struct slot_table *slots = &ledger->slots;

    tally_clear(&ledger->tally);
    for (int64_t n = pool_next(&slots->pool, 0); n >= 0;
         n = pool_next(&slots->pool, (uint32_t)n + 1)) {
        const struct slot *slot = &slots->slots[n];

        if (slot_owner(slot) == SLOT_NOBODY)
            slot_close(slots, (uint32_t)n);
        else if (!source_is_none(&slot->source))
            (void)tally_add(&ledger->tally, &slot->source, 0); /* There are as many as slots. */
    }
}

static void set_work(struct ledger *ledger, uint32_t owner, enum ledger_work work)
{
    atomic_store_explicit(&ledger->state->at_work[owner % LEDGER_OWNERS], (uint8_t)work,
                          memory_order_relaxed);
}

static enum ledger_work get_work(const struct ledger *ledger, uint32_t owner)
{
    return atomic_load_explicit(&ledger->state->at_work[owner % LEDGER_OWNERS],
                                memory_order_relaxed);
}

static void unlock(struct ledger *ledger, uint32_t owner)
{
    (void)pthread_mutex_unlock(&ledger->state->mutex); /* Cannot fail for who holds it. */
    set_work(ledger, owner, LEDGER_NO_WORK);
}

/*
 * The mark is taken off before the count: who sets it meanwhile finds it counted once more. A death
 * in the middle of the count sets it, too.
 */
static int lock(struct ledger *ledger, uint32_t owner)
{
    struct ledger_state *state = ledger->state;
    int r;

    set_work(ledger, owner, LEDGER_WANTS_MUTEX);
    r = pthread_mutex_lock(&state->mutex);
    if (r == EOWNERDEAD) {
        atomic_store_explicit(&state->stale, true, memory_order_relaxed);
        r = pthread_mutex_consistent(&state->mutex);
    }
    set_work(ledger, owner, r == 0 ? LEDGER_HAS_MUTEX : LEDGER_NO_WORK);
    if (r != 0)
        return -r;
    if ((atomic_load_explicit(&state->stale, memory_order_relaxed) &&
         atomic_exchange_explicit(&state->stale, false, memory_order_acq_rel)) ||
        tally_is_crowded(&ledger->tally))
        count_anew(ledger);
    return 0;
}

static int take_slot(struct ledger *ledger, uint32_t owner, const struct addr *peer,
                     const struct source *source, const struct ledger_limits *limits)
{
    bool counts = !source_is_none(source);
    int64_t number;

    if (counts && !tally_add(&ledger->tally, source, limits->per_source))
        return -EDQUOT;
    number = slot_open(&ledger->slots, limits->connections, owner, peer);
    if (number >= 0)
        ledger->slots.slots[number].source = *source;
    else if (counts)
        tally_remove(&ledger->tally, source);
    return number >= 0 ? (int)number : -EUSERS;
}

int ledger_open(struct ledger *ledger, uint32_t owner, const struct addr *peer,
                const struct source *source, const struct ledger_limits *limits,
                uint32_t *ret_number)
{
    int r = lock(ledger, owner);

    if (r < 0)
        return r;
    r = take_slot(ledger, owner, peer, source, limits);
    unlock(ledger, owner);
    if (r < 0)
        return r;
    *ret_number = (uint32_t)r;
    return 0;
}

/* A death between the two makes that the counts are made anew, from what the slot says then. */
static int change_source(struct ledger *ledger, struct slot *slot, const struct source *source,
                         uint32_t per_source)
{
    if (!tally_add(&ledger->tally, source, per_source))
        return -EDQUOT;
    if (!source_is_none(&slot->source))
        tally_remove(&ledger->tally, &slot->source);
    slot->source = *source;
    return 0;
}

int ledger_assign(struct ledger *ledger, uint32_t number, const struct source *source,
                  uint32_t per_source)
{
    struct slot *slot = &ledger->slots.slots[number];
    uint32_t owner = slot_owner(slot);
    int r;

    if (source_is_none(source) || source_equal(&slot->source, source))
        return 0;
    r = lock(ledger, owner);
    if (r < 0)
        return r;
    r = change_source(ledger, slot, source, per_source);
    unlock(ledger, owner);
    return r;
}

void ledger_close(struct ledger *ledger, uint32_t number)
{
    struct slot *slot = &ledger->slots.slots[number];
    uint32_t owner = slot_owner(slot);

    if (lock(ledger, owner) < 0) {
        ledger_forget(ledger, number);
        return;
    }
    if (!source_is_none(&slot->source))
        tally_remove(&ledger->tally, &slot->source);
    slot_close(&ledger->slots, number);
    unlock(ledger, owner);
}

static void set_stale(struct ledger *ledger)
{
    atomic_store_explicit(&ledger->state->stale, true, memory_order_release);
}

void ledger_forget(struct ledger *ledger, uint32_t number)
{
    slot_set_owner(&ledger->slots.slots[number], SLOT_NOBODY);
    set_stale(ledger);
}

int ledger_inherit(struct ledger *ledger)
{
    for (uint32_t owner = 0; owner < LEDGER_OWNERS; owner++)
        set_work(ledger, owner, LEDGER_NO_WORK);
    set_stale(ledger);
    return init_mutex(ledger);
}

void ledger_bury(struct ledger *ledger, uint32_t owner)
{
    set_work(ledger, owner, LEDGER_NO_WORK);
    set_stale(ledger);
}

bool ledger_needs(const struct ledger *ledger, uint32_t owner)
{
    return get_work(ledger, owner) != LEDGER_NO_WORK;
}

bool ledger_waits(const struct ledger *ledger, uint32_t owner)
{
    if (get_work(ledger, owner) != LEDGER_WANTS_MUTEX)
        return false;
    for (uint32_t other = 0; other < LEDGER_OWNERS; other++)
        if (get_work(ledger, other) == LEDGER_HAS_MUTEX)
            return true;
    return false;
}
