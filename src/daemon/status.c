/* SPDX-License-Identifier: MIT */
#include "daemon/supervisor_state.h"

#include <stdio.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/service.h"
#include "daemon/counters.h"

enum { LISTENERS_TEXT_MAX = 512, STATUS_MAX = 2048 };

/* The status line: what is served, by how many, to how many. */
static const char *format_status(const struct supervisor *s, char *text, size_t size)
{
    struct stats stats = crew_stats(&s->crew);
    char listeners[LISTENERS_TEXT_MAX];
    bool failed = s->reload.failure.error != 0;
    bool stopping = s->stop != STOP_NONE;

    (void)snprintf(text, size,
                   "%s%s; workers: %u; connections: %llu, so far %llu, refused %llu; "
                   "datagrams: %llu, answered %llu%s%s",
                   stopping ? "Stopping" : "Listening on ",
                   stopping ? "" : listening_format(&s->listeners, listeners, sizeof(listeners)),
                   crew_count(&s->crew, stopping ? MEMBER_DRAINING : MEMBER_SERVING),
                   (unsigned long long)stats_read(&stats.connections),
                   (unsigned long long)stats_read(&stats.accepted),
                   (unsigned long long)stats_read(&stats.refused),
                   (unsigned long long)stats_read(&stats.datagrams),
                   (unsigned long long)stats_read(&stats.answered),
                   failed ? "; the last reload failed: " : "",
                   failed ? s->reload.failure.text : "");
    for (char *c = text; *c; c++) /* A line of its own would be another message. */
        *c = *c == '\n' ? ' ' : *c;
    return text;
}

void supervisor_tell_ready(struct supervisor *s)
{
    char text[STATUS_MAX];

    service_ready(format_status(s, text, sizeof(text)));
    supervisor_on_known_ready(s);
    s->ready = service_barrier_begin();
    if (s->ready >= 0 && loop_watch(s->loop, FD_READY, s->ready) < 0)
        closep(&s->ready);
}

/*
 * Until then a unit is starting or reloading, and systemd does not run ExecStop= for one that is:
 * whether SIGTERM means a stop or a restart is not told.
 */
bool supervisor_is_known_ready(const struct supervisor *s)
{
    return !service_is_managed() || (s->ready < 0 && s->reload.state == RELOAD_NONE);
}

void supervisor_on_known_ready(struct supervisor *s)
{
    if (s->ready < 0)
        return;
    (void)loop_watch(s->loop, FD_READY, -1); /* Cannot fail. */
    closep(&s->ready);
}

void supervisor_tell_stopping(struct supervisor *s)
{
    char text[STATUS_MAX];

    service_stopping(format_status(s, text, sizeof(text)));
}

void supervisor_tell_status(struct supervisor *s)
{
    char text[STATUS_MAX];

    service_status(format_status(s, text, sizeof(text)));
}

void supervisor_log_counters(const struct supervisor *s)
{
    struct stats stats = crew_stats(&s->crew);

    counters_log(&stats, crew_count(&s->crew, MEMBER_SERVING));
}

void supervisor_log_unreported(struct supervisor *s)
{
    struct stats stats = crew_stats(&s->crew);
    unsigned long long lost = stats_read(&stats.unreported) - s->unreported;

    if (lost == 0)
        return;
    s->unreported += lost;
    (void)log_event(EVENT_NOTICE, 0, LOG_FIELDS(LOG_NUMBER(FIELD_FOLDED, lost)),
                    "Workers had more to report than there was room for: %llu more (counters are "
                    "exact)",
                    lost);
}

void supervisor_check_descriptors(const struct supervisor *s)
{
    if (crew_room(&s->crew, s->listeners.count) < (uint32_t)s->conf.limit_connections)
        (void)log_event(EVENT_NOTICE, 0, LOG_NO_FIELDS,
                        "limits.connections = %d may not be reached: a process may have %zu "
                        "descriptors here (ulimit -Hn, LimitNOFILE=)",
                        s->conf.limit_connections, s->descriptors);
}
