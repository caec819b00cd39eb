/* SPDX-License-Identifier: MIT */
#include "daemon/worker_state.h"

#include <limits.h>
#include <sched.h>
#include <sys/epoll.h>

#include "base/clock.h"

/*
 * How a worker waits. One that was busy a moment ago looks again for up to busy_poll_us before it
 * sleeps. If it was one connection alone that kept it busy, its partner, it looks at that one's
 * socket itself: epoll is not asked, then, between a message's arrival and its answer.
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

    if (worker->level_ms < next)
        next = worker->level_ms;
    if (next == NEVER_MS)
        return -1;
    if (next <= worker->now_ms)
        return 0;
    return next - worker->now_ms < INT_MAX ? (int)(next - worker->now_ms) : INT_MAX;
}

/* Whether the partner had something to say, which is answered then, or has left. */
static bool hear_partner(struct worker *worker)
{
    uint64_t received = stats_read(&worker->io.stats->received);

    for (unsigned i = 0; i < TRIES && worker->partner != NO_PARTNER; i++) {
        worker_look_at_clock(worker);
        worker_serve(worker, worker->partner);
        if (!worker_serves(worker, worker->partner))
            worker->partner = NO_PARTNER;
        else if (stats_read(&worker->io.stats->received) == received)
            continue;
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

/* Who speaks alone twice in a row is a partner, until somebody else speaks. */
static void choose_partner(struct worker *worker, const struct epoll_event *events, int count)
{
    bool alone = count == 1 && events[0].data.u64 >> 32 == SOURCE_STREAM;
    uint32_t speaker = alone ? (uint32_t)events[0].data.u64 : NO_PARTNER;

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
