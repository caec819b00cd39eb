/* SPDX-License-Identifier: MIT */
#include "daemon/supervisor_state.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"

/* Connections that were passed on to a member and that it has not taken yet. */
static uint64_t promised(const struct crew *crew, uint32_t taker)
{
    uint64_t sum = 0;

    for (uint32_t i = crew_next(crew, MEMBER_GIVING, 0); i != MEMBER_NOBODY;
         i = crew_next(crew, MEMBER_GIVING, i + 1))
        if (crew->member[i].awaited == taker)
            sum += crew->member[i].batch;
    return sum;
}

/* Of those that serve, the one with the fewest connections. */
static uint32_t choose_taker(const struct crew *crew)
{
    uint32_t best = crew_next(crew, MEMBER_SERVING, 0);
    uint64_t fewest = UINT64_MAX;

    for (uint32_t i = best; i != MEMBER_NOBODY; i = crew_next(crew, MEMBER_SERVING, i + 1)) {
        uint64_t n = stats_read(&crew->arena->workers[i].stats.connections) + promised(crew, i);

        if (n < fewest) {
            fewest = n;
            best = i;
        }
    }
    return best;
}

/*
 * A batch from an old worker goes to a new one: from here on its slots are the new one's. When all
 * new ones have died, it goes back, until crew_resume_giving().
 */
static void pass_on(struct supervisor *s, uint32_t giver, struct message *batch, const int *fds)
{
    struct slot *slots = s->arena.slots.slots;
    uint32_t taker = choose_taker(&s->crew);

    if (taker == MEMBER_NOBODY)
        taker = giver;
    for (uint32_t i = 0; i < batch->count; i++)
        slot_set_owner(&slots[batch->slots[i]], SLOT_FIRST_WORKER + taker);
    s->crew.member[giver].awaited = taker;
    s->crew.member[giver].batch = batch->count;
    batch->kind = MESSAGE_TAKE;
    crew_send(&s->crew, taker, batch, fds);
}

/* Takes out of the batch what did not arrive, as this process had no room for it. */
static void drop_missing(struct supervisor *s, struct message *batch, int *fds)
{
    uint32_t kept = 0;

    for (uint32_t i = 0; i < batch->count; i++) {
        if (fds[i] < 0) {
            crew_forget_slot(&s->crew, batch->slots[i]);
            continue;
        }
        fds[kept] = fds[i];
        batch->slots[kept++] = batch->slots[i];
    }
    if (kept < batch->count)
        (void)log_event(EVENT_WORKER_DIED, EMFILE, LOG_NO_FIELDS,
                        "Handing over connections: lost %u: %m", batch->count - kept);
    batch->count = kept;
}

void crew_ask_for_more(struct supervisor *s, uint32_t giver)
{
    struct crew *crew = &s->crew;
    size_t members = ARENA_WORKERS - crew_count(crew, MEMBER_NONE);
    uint32_t room = crew_room(crew, s->listeners.count + members);
    struct message give = {.kind = MESSAGE_GIVE, .count = MESSAGE_SLOTS_MAX};

    if (room < give.count)
        give.count = room > 0 ? room : 1;

    crew->member[giver].awaited = MEMBER_NOBODY;
    crew_send(crew, giver, &give, NULL);
}

void crew_resume_giving(struct supervisor *s)
{
    for (uint32_t i = crew_next(&s->crew, MEMBER_GIVING, 0); i != MEMBER_NOBODY;
         i = crew_next(&s->crew, MEMBER_GIVING, i + 1))
        if (s->crew.member[i].awaited == i)
            crew_ask_for_more(s, i);
}

static void on_given(struct supervisor *s, uint32_t giver, struct message *batch, int *fds)
{
    if (batch->count > 0) {
        drop_missing(s, batch, fds);
        pass_on(s, giver, batch, fds);
        for (uint32_t i = 0; i < batch->count; i++)
            closep(&fds[i]);
        return;
    }
    /* At a stop, it may still be draining what came in between. */
    if (s->crew.member[giver].state == MEMBER_GIVING)
        crew_dismiss(&s->crew, giver);
    reload_check_moved(s);
}

/* Lets one go on that waits for this one. False when there is none. */
static bool on_taken(struct supervisor *s, uint32_t taker)
{
    struct crew *crew = &s->crew;

    for (uint32_t i = crew_next(crew, MEMBER_GIVING, 0); i != MEMBER_NOBODY;
         i = crew_next(crew, MEMBER_GIVING, i + 1))
        if (crew->member[i].awaited == taker && taker != i) {
            crew_ask_for_more(s, i);
            return true;
        }
    return false;
}

static void log_connection(enum event event, uint32_t worker, const struct report *r,
                           const char *peer)
{
    char host[ADDR_TEXT_MAX], listener[ADDR_TEXT_MAX];
    const struct log_fields fields = LOG_FIELDS(
        LOG_TEXT(FIELD_PEER_ADDR, addr_format_host(&r->peer, host)),
        LOG_NUMBER(FIELD_PEER_PORT, addr_port(&r->peer)),
        LOG_TEXT(FIELD_LISTENER, addr_format(&r->local, listener)),
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

/* What was folded away is said when its time has come, even if nothing more happens. */
static void set_fold_timer(struct supervisor *s)
{
    (void)loop_set_timer(s->loop, TIMER_FOLDED, log_flush_folded());
}

static void on_report(uint32_t worker, const struct report *r)
{
    char peer[ADDR_TEXT_MAX];

    switch (r->kind) {
    case REPORT_REFUSED:
        log_connection(EVENT_CONNECTION_REFUSED, worker, r, addr_format(&r->peer, peer));
        break;
    case REPORT_ENDED:
        log_connection(EVENT_CONNECTION_ENDED, worker, r, addr_format(&r->peer, peer));
        break;
    case REPORT_PAUSED:
        (void)log_event(EVENT_ACCEPT_PAUSED, r->error, LOG_FIELDS(LOG_NUMBER(FIELD_WORKER, worker)),
                        "Worker %u cannot accept for a moment: %m", worker);
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
        on_given(s, from, message, fds);
        break;
    case MESSAGE_TAKEN:
        (void)on_taken(s, from);
        break;
    case MESSAGE_PONG:
        s->crew.member[from].unanswered = 0;
        break;
    case MESSAGE_REPORT:
        on_report(from, &message->report);
        set_fold_timer(s);
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
        if (r == 1)
            on_message(s, number, &message, fds);
    }
    if (r == -EAGAIN || r == 1 || member->channel < 0)
        return;
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
                               LOG_NUMBER(FIELD_CONNECTIONS, death->lost),
                               LOG_TEXT(FIELD_REASON, death->hung ? "hung" : how)),
                    "Worker %u (pid %d) %s%s; connections lost: %u", death->number, (int)death->pid,
                    death->hung ? "did not answer and " : "", how, death->lost);
}

/* Others look at the listeners: the wake-up for a connection there may have died with it. */
static void cover_for(struct supervisor *s, const struct death *death)
{
    struct crew *crew = &s->crew;

    for (uint32_t i = crew_next(crew, MEMBER_SERVING, 0); i != MEMBER_NOBODY;
         i = crew_next(crew, MEMBER_SERVING, i + 1))
        crew_order(crew, i, MESSAGE_LOOK);
    while (on_taken(s, death->number)) /* It will not say so any more. */
        ;
    if (death->state == MEMBER_SERVING)
        (void)loop_set_timer(s->loop, TIMER_RESPAWN,
                             (int64_t)respawn_pause(&s->respawn, death->lived_ms));
}

static void on_death(struct supervisor *s, uint32_t number, int status)
{
    struct death death;
    bool expected;

    read_member(s, number, UINT32_MAX);
    crew_bury(&s->crew, number, status, &death);
    expected = WIFEXITED(status) && WEXITSTATUS(status) == 0 &&
               (death.state == MEMBER_LEAVING || death.state == MEMBER_DRAINING);
    if (!expected && s->stop < STOP_KILLING)
        log_death(&death);
    set_fold_timer(s);
    if (s->stop == STOP_NONE)
        cover_for(s, &death);
    reload_check_moved(s);
    if (s->stop != STOP_NONE && crew_is_empty(&s->crew))
        loop_exit(s->loop);
}

void crew_reap(struct supervisor *s)
{
    int status;
    pid_t pid;

    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        uint32_t number = crew_find(&s->crew, pid);

        if (number != MEMBER_NOBODY) /* else a lookup: its pipe says all there is */
            on_death(s, number, status);
    }
}
