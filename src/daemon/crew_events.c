/* SPDX-License-Identifier: MIT */
#include "daemon/supervisor_state.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/wait.h>

#include "base/log.h"

/*
 * Which listener a connection came to: the local address says it, but that of a Unix socket is not
 * what people know it by.
 */
static const char *format_local(const struct listener *listener, const struct report *r,
                                char text[static ADDR_TEXT_MAX])
{
    bool is_unix = listener && listener->addr.sa.sa_family == AF_UNIX;

    return addr_format(is_unix ? &listener->addr : &r->local, text);
}

static void log_connection(const struct supervisor *s, enum event event, uint32_t worker,
                           const struct report *r, const char *peer)
{
    const struct listener *listener = listeners_serving(&s->listeners, SOCK_STREAM, &r->local);
    char host[ADDR_TEXT_MAX], local[ADDR_TEXT_MAX];
    const struct log_fields fields = LOG_FIELDS(
        LOG_TEXT(FIELD_PEER_ADDR, addr_format_host(&r->peer, host)),
        LOG_NUMBER(FIELD_PEER_PORT, addr_port(&r->peer)),
        LOG_TEXT(FIELD_LISTENER, format_local(listener, r, local)),
        LOG_TEXT(FIELD_LISTENER_NAME, listener ? listener->name : ""),
        LOG_NUMBER(FIELD_WORKER, worker), LOG_NUMBER(FIELD_BYTES, r->bytes),
        LOG_NUMBER(FIELD_DURATION_USEC, r->duration_usec), LOG_TEXT(FIELD_REASON, r->reason));

    if (event == EVENT_CONNECTION_REFUSED)
        (void)log_event(event, r->error, fields, "Refused a connection from %s: %s", peer,
                        r->reason);
    else
        (void)log_event(event, r->error, fields,
                        "Connection from %s ended (%s): %llu bytes in %.3f s", peer, r->reason,
                        (unsigned long long)r->bytes, (double)r->duration_usec / 1e6);
}

static void log_drops(const struct supervisor *s, uint32_t worker, const struct report *r)
{
    const struct listener *listener = listeners_find(&s->listeners, SOCK_DGRAM, &r->local);
    char peer[ADDR_TEXT_MAX], host[ADDR_TEXT_MAX], local[ADDR_TEXT_MAX];

    (void)log_event(
        EVENT_DATAGRAMS_DROPPED, 0,
        LOG_FIELDS(LOG_TEXT(FIELD_PEER_ADDR, addr_format_host(&r->peer, host)),
                   LOG_NUMBER(FIELD_PEER_PORT, addr_port(&r->peer)),
                   LOG_TEXT(FIELD_LISTENER, addr_format_typed(&r->local, SOCK_DGRAM, local)),
                   LOG_TEXT(FIELD_LISTENER_NAME, listener ? listener->name : ""),
                   LOG_NUMBER(FIELD_WORKER, worker), LOG_NUMBER(FIELD_DROPPED, r->count),
                   LOG_TEXT(FIELD_REASON, r->reason)),
        "Dropped datagrams at %s: %llu, the last from %s: %s", local, (unsigned long long)r->count,
        addr_format(&r->peer, peer), r->reason);
}

/* What was folded away is said when its time has come, even if nothing more happens. */
static void set_fold_timer(struct supervisor *s)
{
    (void)loop_set_timer(s->loop, TIMER_FOLDED, log_flush_folded());
}

static void on_report(struct supervisor *s, uint32_t worker, const struct report *r)
{
    char peer[ADDR_TEXT_MAX];

    switch (r->kind) {
    case REPORT_REFUSED:
        log_connection(s, EVENT_CONNECTION_REFUSED, worker, r, addr_format(&r->peer, peer));
        break;
    case REPORT_ENDED:
        log_connection(s, EVENT_CONNECTION_ENDED, worker, r, addr_format(&r->peer, peer));
        break;
    case REPORT_DROPPED:
        log_drops(s, worker, r);
        break;
    case REPORT_PAUSED:
        crew_let_others_look(&s->crew, worker);
        if (!r->again)
            (void)log_event(EVENT_ACCEPT_PAUSED, r->error,
                            LOG_FIELDS(LOG_NUMBER(FIELD_WORKER, worker)),
                            "Worker %u cannot accept for a moment: %m", worker);
        break;
    case REPORT_SURPLUS:
        crew_level(s);
        break;
    case REPORT_FAILED:
        (void)log_event(EVENT_WORKER_DIED, r->error, LOG_FIELDS(LOG_NUMBER(FIELD_WORKER, worker)),
                        "Worker %u cannot begin: %m", worker);
        break;
    }
}

static void on_message(struct supervisor *s, uint32_t from, struct message *message, int *fds)
{
    switch (message->kind) {
    case MESSAGE_GIVEN:
        crew_on_given(s, from, message, fds);
        break;
    case MESSAGE_TAKEN:
        if (!crew_on_taken(s, from))
            crew_on_adopted(s, from);
        break;
    case MESSAGE_KEEP:
        crew_on_keep(&s->crew, from, message, fds);
        break;
    case MESSAGE_KEPT:
        s->crew.member[from].kept = true;
        break;
    case MESSAGE_PONG:
        s->crew.member[from].unanswered = 0;
        break;
    case MESSAGE_REPORT:
        on_report(s, from, &message->report);
        break;
    default:
        crew_kill(&s->crew, from); /* It says what a worker does not say. */
    }
}

/* Reads up to MOST messages of one worker. */
static void read_member(struct supervisor *s, uint32_t number, unsigned most)
{
    struct member *member = &s->crew.member[number];
    int r = 1;

    while (r == 1 && most-- > 0 && member->channel >= 0) {
        struct message message;
        int fds[MESSAGE_SLOTS_MAX];

        r = channel_receive(member->channel, &message, fds);
        if (r == 1) {
            on_message(s, number, &message, fds);
            rights_close(fds); /* Passed on or not, this process has no use for them. */
        }
    }
    if (r == -EAGAIN || r == 1 || member->channel < 0)
        return;
    member->dead = true;
    /* The end of the channel: SIGCHLD follows. Out of epoll, lest this is said again and again. */
    (void)epoll_ctl(s->crew.epoll, EPOLL_CTL_DEL, member->channel, NULL);
}

void crew_read(struct supervisor *s)
{
    enum { MEMBERS_AT_ONCE = 64, MESSAGES_AT_ONCE = 64 };
    struct epoll_event events[MEMBERS_AT_ONCE];
    int n = epoll_wait(s->crew.epoll, events, MEMBERS_AT_ONCE, 0);

    for (int i = 0; i < n; i++)
        read_member(s, events[i].data.u32, MESSAGES_AT_ONCE);
    set_fold_timer(s);
}

static const char *describe_status(int status, char *text, size_t size)
{
    if (WIFSIGNALED(status))
        (void)snprintf(text, size, "was killed by signal %d (%s)", WTERMSIG(status),
                       strsignal(WTERMSIG(status)));
    else
        (void)snprintf(text, size, "exited with status %d", WEXITSTATUS(status));
    return text;
}

static void log_death(const struct death *death)
{
    char how[96];

    (void)describe_status(death->status, how, sizeof(how));
    (void)log_event(EVENT_WORKER_DIED, 0,
                    LOG_FIELDS(LOG_NUMBER(FIELD_WORKER, death->number),
                               LOG_NUMBER(FIELD_WORKER_PID, death->pid),
                               LOG_NUMBER(FIELD_CONNECTIONS, death->had.lost),
                               LOG_TEXT(FIELD_REASON, death->hung ? "hung" : how)),
                    "Worker %u (pid %d) %s%s; connections lost: %u, to go on: %u", death->number,
                    (int)death->pid, death->hung ? "did not answer and " : "", how, death->had.lost,
                    death->had.orphans);
}

/* A worker is gone: who waited for it goes on, others do what it would have done. */
static void cover_for(struct supervisor *s, const struct death *death)
{
    while (crew_on_taken(s, death->number)) /* It will not say so any more. */
        ;
    crew_adopt_from(s, death);
    if (s->stop != STOP_NONE)
        return;
    crew_let_others_look(&s->crew, death->number);
    if (death->state == MEMBER_SERVING)
        (void)loop_set_timer(s->loop, TIMER_RESPAWN,
                             (int64_t)respawn_pause(&s->respawn, death->lived_ms));
}

static void on_death(struct supervisor *s, uint32_t number, int status)
{
    struct death death;
    bool expected;

    read_member(s, number, UINT32_MAX);
    crew_bury(&s->crew, number, status, s->stop == STOP_NONE || s->leaving, &death);
    expected = WIFEXITED(status) && WEXITSTATUS(status) == 0 &&
               (death.state == MEMBER_LEAVING || death.state == MEMBER_DRAINING);
    if (!expected && s->stop < STOP_KILLING)
        log_death(&death);
    cover_for(s, &death);
}

/* Stopped in the middle of something that the others need: then none of them could go on. */
static void end_obstacle(struct supervisor *s, uint32_t number)
{
    struct member *member = &s->crew.member[number];

    if (!ledger_needs(&s->arena.ledger, SLOT_FIRST_WORKER + number))
        return;
    (void)log_event(
        EVENT_WORKER_HUNG, 0,
        LOG_FIELDS(LOG_NUMBER(FIELD_WORKER, number), LOG_NUMBER(FIELD_WORKER_PID, member->pid)),
        "Worker %u (pid %d) was stopped where others wait for it: killing it", number,
        (int)member->pid);
    member->hung = true;
    crew_kill(&s->crew, number);
}

/* A signal stopped it, or made it go on. If it was just woken for a connection, others see to it.
 */
static void on_pause(struct supervisor *s, uint32_t number, bool stopped)
{
    if (number == MEMBER_NOBODY)
        return;
    s->crew.member[number].stopped = stopped;
    if (stopped)
        end_obstacle(s, number);
    if (stopped && s->stop == STOP_NONE)
        crew_let_others_look(&s->crew, number);
    if (!stopped)
        crew_resume_giving(s);
    crew_level(s);
}

void crew_reap(struct supervisor *s)
{
    int status;
    pid_t pid;

    while ((pid = waitpid(-1, &status, WNOHANG | WUNTRACED | WCONTINUED)) > 0) {
        uint32_t number = crew_find(&s->crew, pid);

        if (WIFSTOPPED(status) || WIFCONTINUED(status))
            on_pause(s, number, WIFSTOPPED(status));
        else if (number != MEMBER_NOBODY)
            on_death(s, number, status);
        else if (pid == s->reload.lookup.pid)
            s->reload.lookup.pid = 0; /* Its pipe says all there is; the number may be reused. */
        else if (pid == s->upgrade.trial.pid)
            image_trial_ended(&s->upgrade.trial, status);
    }
    set_fold_timer(s);
}
