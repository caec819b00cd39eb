/* SPDX-License-Identifier: MIT */
#include "daemon/worker_state.h"

#include <limits.h>
#include <sched.h>
#include <sys/epoll.h>

#include "base/clock.h"

/*
 * How a worker waits. One that was busy a moment ago looks again for up to busy_poll_us before it
 * sleeps. If it was one socket alone that kept it busy, its partner, a connection or a listener for
 * datagrams, it looks at that one itself: epoll is not asked, then, between a message's arrival and
 * its answer.
 */

enum { TRIES = 4 }; /* at a partner's socket between two looks at all the others */

void worker_look_at_clock(struct worker *worker)
{
    worker->now_ms = worker->io.now_ms = clock_ms();
}

/* The milliseconds that epoll_wait(2) may take until something is due, -1 for any number. */
static int wait_limit(const struct worker *worker)
{
    uint64_t next = worker->resume_ms < worker->sweep_ms ? worker->resume_ms : worker->sweep_ms;

    if (worker->keep_ms < next)
        next = worker->keep_ms;
    if (worker->level_ms < next)
        next = worker->level_ms;
    if (worker->tell_drops_ms < next)
        next = worker->tell_drops_ms;
    if (next == NEVER_MS)
        return -1;
    if (next <= worker->now_ms)
        return 0;
    return next - worker->now_ms < INT_MAX ? (int)(next - worker->now_ms) : INT_MAX;
}

/* Whether a connection had something to say, which is answered then, or has left. */
static bool hear_stream(struct worker *worker, uint32_t number)
{
    uint64_t received = stats_read(&worker->io.stats->received);

    worker_serve(worker, number);
    if (worker_serves(worker, number))
        return stats_read(&worker->io.stats->received) != received;
    worker->partner = NO_PARTNER;
    return true;
}

static bool hear_partner(struct worker *worker)
{
    for (unsigned i = 0; i < TRIES && worker->partner != NO_PARTNER; i++) {
        uint32_t number = (uint32_t)worker->partner;

        worker_look_at_clock(worker);
        if (worker->partner >> 32 == SOURCE_DATAGRAMS ? worker_datagrams_serve(worker, number)
                                                      : hear_stream(worker, number))
            return true;
    }
    return false;
}

enum { NOTHING = -1 };

/* Looks without sleeping. The number of events, 0 if it was the partner, or NOTHING. */
static int look(struct worker *worker, struct epoll_event *events)
{
    int count = epoll_wait(worker->epoll, events, WORKER_EVENTS, 0);
    uint64_t end;

    if (count > 0)
        return count;
    end = clock_usec() + (uint64_t)worker->setup->conf->busy_poll_us;
    do {
        if (hear_partner(worker))
            return 0;
        (void)sched_yield(); /* Whoever wants the CPU gets it. Cannot fail. */
        count = epoll_wait(worker->epoll, events, WORKER_EVENTS, 0);
    } while (count <= 0 && clock_usec() < end);
    return count > 0 ? count : NOTHING;
}

static int wait_or_look(struct worker *worker, struct epoll_event *events)
{
    int count = NOTHING;

    if (worker->setup->conf->busy_poll_us > 0 && busy_poll_wanted(&worker->busy_poll)) {
        count = look(worker, events);
        busy_poll_found(&worker->busy_poll, count != NOTHING);
    }
    if (count != NOTHING)
        return count;
    return epoll_wait(worker->epoll, events, WORKER_EVENTS, wait_limit(worker));
}

static bool may_be_partner(uint64_t data)
{
    return data >> 32 == SOURCE_STREAM || data >> 32 == SOURCE_DATAGRAMS;
}

/* Who speaks alone twice in a row is a partner, until somebody else speaks. */
static void choose_partner(struct worker *worker, const struct epoll_event *events, int count)
{
    bool alone = count == 1 && may_be_partner(events[0].data.u64);
    uint64_t speaker = alone ? events[0].data.u64 : NO_PARTNER;

    worker->partner = speaker == worker->speaker ? speaker : NO_PARTNER;
    worker->speaker = speaker;
}

int worker_wait(struct worker *worker, struct epoll_event *events)
{
    int count = wait_or_look(worker, events);

    if (count > 0)
        choose_partner(worker, events, count);
    return count;
}
