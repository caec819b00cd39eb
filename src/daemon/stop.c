/* SPDX-License-Identifier: MIT */
#include "daemon/supervisor_state.h"

#include "base/log.h"
#include "base/service.h"

enum {
    END_MS = 2000,        /* what a worker gets to end at once in */
    EXTRA_STOP_MS = 5000, /* beyond drain_timeout, for the service manager */
};

void stop_at_once(struct supervisor *s)
{
    if (s->stop >= STOP_ENDING)
        return;
    reload_cancel(s);
    if (s->stop == STOP_NONE)
        service_stopping("Stopping at once");
    s->stop = STOP_ENDING;
    if (!s->leaving)
        store_forget_listeners(&s->listeners);
    for (uint32_t i = 0; i < ARENA_WORKERS; i++)
        if (s->crew.member[i].state != MEMBER_NONE)
            crew_dismiss(&s->crew, i);
    (void)loop_set_timer(s->loop, TIMER_STOP, END_MS);
}

void stop_drain(struct supervisor *s)
{
    if (crew_count(&s->crew, MEMBER_GIVING) > 0)
        return;
    s->stop = STOP_DRAINING;
    s->reload.state = RELOAD_NONE;
    for (uint32_t i = 0; i < ARENA_WORKERS; i++) {
        struct member *member = &s->crew.member[i];

        if (member->state != MEMBER_SERVING || member->asked)
            continue;
        member->state = MEMBER_DRAINING;
        crew_order(&s->crew, i, MESSAGE_DRAIN);
    }
}

static void announce_stop(struct supervisor *s)
{
    struct stats stats = crew_stats(&s->crew);
    unsigned long long connections = stats_read(&stats.connections);

    supervisor_tell_stopping(s);
    service_extend_timeout(((uint64_t)s->conf.drain_timeout * 1000 + EXTRA_STOP_MS) * 1000);
    (void)log_event(EVENT_STOPPING, 0, LOG_FIELDS(LOG_NUMBER(FIELD_CONNECTIONS, connections)),
                    "Stopping: connections get up to %d s to end: %llu", s->conf.drain_timeout,
                    connections);
}

/*
 * Who waits in the queue of our own listener is served, as a reset is all there would be for him
 * otherwise; the queue of one that was passed to us is for whoever gets it next.
 */
static void end_accepting(struct supervisor *s)
{
    const struct message close = {.kind = MESSAGE_CLOSE,
                                  .count = !s->passed && s->conf.drain_timeout > 0};

    for (uint32_t i = crew_next(&s->crew, MEMBER_SERVING, 0); i != MEMBER_NOBODY;
         i = crew_next(&s->crew, MEMBER_SERVING, i + 1))
        (void)crew_send(&s->crew, i, &close, NULL); /* If it is dead, its death follows. */
}

void stop_begin(struct supervisor *s)
{
    s->stop = STOP_SETTLING;
    reload_cancel_unless_moving(s);
    store_forget_listeners(&s->listeners);
    listeners_close(&s->listeners); /* Nobody shall wait for what does not come. */
    announce_stop(s);
    (void)loop_set_timer(s->loop, TIMER_STOP, (int64_t)s->conf.drain_timeout * 1000);
    end_accepting(s);
}

void stop_next_step(struct supervisor *s)
{
    if (s->stop < STOP_ENDING) {
        if (s->leaving)
            leave_now(s);
        else
            stop_at_once(s);
        return;
    }
    if (s->stop == STOP_KILLING) {
        loop_exit(s->loop); /* Not even that ended them: the kernel holds them. */
        return;
    }
    s->stop = STOP_KILLING;
    (void)loop_set_timer(s->loop, TIMER_STOP, END_MS);
    for (uint32_t i = 0; i < ARENA_WORKERS; i++)
        if (s->crew.member[i].state != MEMBER_NONE)
            crew_kill(&s->crew, i);
}
