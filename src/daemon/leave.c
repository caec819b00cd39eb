/* SPDX-License-Identifier: MIT */
#include "daemon/supervisor_state.h"

#include "base/log.h"
#include "base/service.h"

/*
 * The end of this process, but not of its connections: the service manager holds what the next one
 * needs to go on, the memory, the listeners and the escrow. So the workers have a copy of each
 * connection kept that has none yet, and when that is done they just end, between two steps. Until
 * then they serve.
 */

enum { LEAVE_MS = 5000 }; /* for workers that do not do what they are told */

void leave_begin(struct supervisor *s)
{
    if (!service_is_managed()) {
        stop_begin(s); /* There is nobody to leave anything with. */
        return;
    }
    s->stop = STOP_SETTLING;
    s->leaving = true;
    reload_cancel_unless_moving(s);
    supervisor_tell_stopping(s);
    (void)loop_set_timer(s->loop, TIMER_STOP, LEAVE_MS);
}

static void begin_keeping(struct supervisor *s)
{
    s->stop = STOP_KEEPING;
    for (uint32_t i = crew_next(&s->crew, MEMBER_SERVING, 0); i != MEMBER_NOBODY;
         i = crew_next(&s->crew, MEMBER_SERVING, i + 1))
        crew_order(&s->crew, i, MESSAGE_KEEP_ALL);
}

static bool all_is_kept(const struct crew *crew)
{
    for (uint32_t i = crew_next(crew, MEMBER_SERVING, 0); i != MEMBER_NOBODY;
         i = crew_next(crew, MEMBER_SERVING, i + 1))
        if (!crew->member[i].kept)
            return false;
    return true;
}

/* A signal stopped them. What they have that is kept goes on without them, too. */
static void end_stopped(struct crew *crew)
{
    for (uint32_t i = 0; i < ARENA_WORKERS; i++)
        if (crew->member[i].state != MEMBER_NONE && crew->member[i].stopped)
            crew_kill(crew, i);
}

/* What is on its way between workers arrives first. */
void leave_go_on(struct supervisor *s)
{
    end_stopped(&s->crew);
    if (s->stop == STOP_SETTLING && crew_is_quiet(&s->crew))
        begin_keeping(s);
    if (s->stop == STOP_KEEPING && all_is_kept(&s->crew))
        leave_now(s);
}

void leave_now(struct supervisor *s)
{
    struct stats stats = crew_stats(&s->crew);
    unsigned long long connections = stats_read(&stats.connections);
    int r = service_barrier((uint64_t)LEAVE_MS * 1000);

    if (r < 0)
        (void)log_event(EVENT_NOTICE, r, LOG_NO_FIELDS,
                        "The service manager may not have got all that it is to keep: %m");
    (void)log_event(EVENT_STOPPING, 0, LOG_FIELDS(LOG_NUMBER(FIELD_CONNECTIONS, connections)),
                    "Leaving: connections that the next start goes on with: %llu", connections);
    stop_at_once(s);
}
