/* SPDX-License-Identifier: MIT */
#include "daemon/worker_state.h"

#include <limits.h>
#include <sched.h>
#include <sys/epoll.h>

#include "base/clock.h"

/*
 * How a worker waits. One that was busy a moment ago looks again for up to busy_poll_us before it
 * sleeps. If it was one connection alone that kept it busy, it looks at that one's socket itself:
 * the next message then costs recv(2) and send(2) and nothing else.
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

/* Whether the partner had something to say, which is answered then. */
static bool hear_partner(struct worker *worker)
{
    uint64_t received = stats_read(&worker->io.stats->received);

    for (unsigned i = 0; i < TRIES && worker_serves(worker, worker->partner); i++) {
        worker_look_at_clock(worker);
        worker_serve(worker, worker->partner);
        if (stats_read(&worker->io.stats->received) != received)
            return true;
    }
    return false;
}

/* Looks without sleeping. True when there was something: events, or none, and the partner. */
static bool look(struct worker *worker, struct epoll_event *events, int *ret_count)
{
    uint64_t end;

    *ret_count = epoll_wait(worker->epoll, events, WORKER_EVENTS, 0);
    if (*ret_count != 0)
        return true;
    end = clock_usec() + (uint64_t)worker->setup->conf->busy_poll_us;
    do {
        if (hear_partner(worker))
            return true;
        (void)sched_yield(); /* Whoever wants the CPU gets it. Cannot fail. */
        *ret_count = epoll_wait(worker->epoll, events, WORKER_EVENTS, 0);
    } while (*ret_count == 0 && clock_usec() < end);
    return *ret_count != 0;
}

static int wait_or_look(struct worker *worker, struct epoll_event *events)
{
    int count;

    if (worker->setup->conf->busy_poll_us > 0 && busy_poll_wanted(&worker->busy_poll)) {
        bool found = look(worker, events, &count);

        busy_poll_found(&worker->busy_poll, found);
        if (found)
            return count;
    }
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
