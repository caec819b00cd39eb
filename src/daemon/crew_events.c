/* SPDX-License-Identifier: MIT */
#include "daemon/supervisor_state.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/wait.h>

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
    uint32_t best = MEMBER_NOBODY;
    uint64_t fewest = UINT64_MAX;

    for (uint32_t i = crew_next(crew, MEMBER_SERVING, 0); i != MEMBER_NOBODY;
         i = crew_next(crew, MEMBER_SERVING, i + 1)) {
        uint64_t n = stats_read(&crew->arena->workers[i].stats.connections) + promised(crew, i);

        if (n < fewest && !crew->member[i].dead) {
            fewest = n;
            best = i;
        }
    }
    return best;
}

/* From here on the slots of the batch are the taker's, who uses them when it has the descriptors.
 */
static int send_batch(struct supervisor *s, uint32_t giver, uint32_t taker, struct message *batch,
                      const int *fds)
{
    for (uint32_t i = 0; i < batch->count; i++)
        slot_set_owner(&s->arena.slots.slots[batch->slots[i]],
                       (SLOT_FIRST_WORKER + taker) | SLOT_IN_TRANSIT);
    s->crew.member[giver].awaited = taker;
    s->crew.member[giver].batch = batch->count;
    batch->kind = MESSAGE_TAKE;
    return crew_send(&s->crew, taker, batch, fds);
}

static void log_lost(uint32_t giver, int error, uint32_t lost)
{
    (void)log_event(
        EVENT_NOTICE, error,
        LOG_FIELDS(LOG_NUMBER(FIELD_WORKER, giver), LOG_NUMBER(FIELD_CONNECTIONS, lost)),
        "Connections of worker %u lost on their way to another: %u: %m", giver, lost);
}

/*
 * A batch from an old worker goes to a new one. When all new ones have died, it goes back, until
 * crew_resume_giving().
 */
static void pass_on(struct supervisor *s, uint32_t giver, struct message *batch, const int *fds)
{
    uint32_t taker;
    int r;

    do {
        taker = choose_taker(&s->crew);
        if (taker == MEMBER_NOBODY)
            taker = giver;
        r = send_batch(s, giver, taker, batch, fds);
        s->crew.member[taker].dead = r == -EPIPE;
    } while (r == -EPIPE && taker != giver);
    if (r == 0 || r == -EPIPE || r == -EAGAIN)
        return; /* Taken, or what is lost is counted with the death that follows. */
    log_lost(giver, r, batch->count);
    for (uint32_t i = 0; i < batch->count; i++)
        crew_forget_slot(&s->crew, batch->slots[i]);
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
 * half of it at the most, and each no more than this process has room for.
 */
static uint32_t batch_limit(const struct supervisor *s)
{
    const struct crew *crew = &s->crew;
    size_t members = ARENA_WORKERS - crew_count(crew, MEMBER_NONE);
    size_t room = crew_room(crew, s->listeners.count + members);
    size_t share = crew->descriptors / 2 / (crew_count(crew, MEMBER_GIVING) + 1);
    size_t limit = room < share ? room : share;

    if (limit > MESSAGE_SLOTS_MAX)
        return MESSAGE_SLOTS_MAX;
    return limit > 0 ? (uint32_t)limit : 1;
}

void crew_ask_for_more(struct supervisor *s, uint32_t giver)
{
    struct message give = {.kind = MESSAGE_GIVE, .count = batch_limit(s)};

    s->crew.member[giver].awaited = MEMBER_NOBODY;
    (void)crew_send(&s->crew, giver, &give, NULL); /* If it is dead, its death follows. */
}

void crew_resume_giving(struct supervisor *s)
{
    for (uint32_t i = crew_next(&s->crew, MEMBER_GIVING, 0); i != MEMBER_NOBODY;
         i = crew_next(&s->crew, MEMBER_GIVING, i + 1))
        if (s->crew.member[i].awaited == i)
            crew_ask_for_more(s, i);
}

/* Lets the others look at the listeners: a wake-up may have come to EXCEPT alone, who is no use. */
static void let_others_look(struct crew *crew, uint32_t except)
{
    for (uint32_t i = crew_next(crew, MEMBER_SERVING, 0); i != MEMBER_NOBODY;
         i = crew_next(crew, MEMBER_SERVING, i + 1))
        if (i != except)
            crew_order(crew, i, MESSAGE_LOOK);
}

static void on_given(struct supervisor *s, uint32_t giver, struct message *batch, int *fds)
{
    if (!batch_is_valid(s, giver, batch)) {
        crew_kill(&s->crew, giver);
    } else if (batch->count > 0) {
        drop_missing(s, giver, batch, fds);
        pass_on(s, giver, batch, fds);
    } else if (s->crew.member[giver].state == MEMBER_GIVING) {
        crew_dismiss(&s->crew, giver);
        let_others_look(&s->crew, giver);
    }
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

static void on_report(struct supervisor *s, uint32_t worker, const struct report *r)
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
        let_others_look(&s->crew, worker);
        if (!r->again)
            (void)log_event(EVENT_ACCEPT_PAUSED, r->error,
                            LOG_FIELDS(LOG_NUMBER(FIELD_WORKER, worker)),
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
        on_report(s, from, &message->report);
        break;
    default:
        crew_kill(&s->crew, from); /* It says what a worker does not say. */
    }
}

/* Passed on or not, this process has no use for them. */
static void close_all(int fds[static MESSAGE_SLOTS_MAX])
{
    for (unsigned i = 0; i < MESSAGE_SLOTS_MAX; i++)
        closep(&fds[i]);
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
            close_all(fds);
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
                               LOG_NUMBER(FIELD_CONNECTIONS, death->lost),
                               LOG_TEXT(FIELD_REASON, death->hung ? "hung" : how)),
                    "Worker %u (pid %d) %s%s; connections lost: %u", death->number, (int)death->pid,
                    death->hung ? "did not answer and " : "", how, death->lost);
}

/* A worker is gone: who waited for it goes on, others do what it would have done. */
static void cover_for(struct supervisor *s, const struct death *death)
{
    while (on_taken(s, death->number)) /* It will not say so any more. */
        ;
    if (s->stop != STOP_NONE)
        return;
    let_others_look(&s->crew, death->number);
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
    cover_for(s, &death);
}

void crew_reap(struct supervisor *s)
{
    int status;
    pid_t pid;

    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        uint32_t number = crew_find(&s->crew, pid);

        if (number != MEMBER_NOBODY)
            on_death(s, number, status);
        else if (pid == s->reload.lookup.pid)
            s->reload.lookup.pid = 0; /* Its pipe says all there is; the number may be reused. */
    }
    set_fold_timer(s);
}
