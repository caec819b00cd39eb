/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "client/deadline.h"
#include "client/dial.h"
#include "client/load_state.h"

/* Who breaks is opened again after a pause, which doubles until there is an answer. */
#define PAUSE_MIN_NSEC (10 * NSEC_PER_MSEC)
#define PAUSE_MAX_NSEC NSEC_PER_SEC

/* How many buffers in a row one connection may fill before the others have their turn. */
enum { ROUNDS = 4 };

/*
 * Edge-triggered: an event says that something has come, not that something is there. So each is
 * answered by receiving until less came than was asked for, and sending until less was taken.
 */
enum { EVENTS = EPOLLIN | EPOLLOUT | EPOLLRDHUP };

static bool is_stream(const struct load_thread *thread)
{
    return thread->plan->type == SOCK_STREAM;
}

static bool send_some(struct load_thread *thread, struct load_connection *c)
{
    return is_stream(thread) ? load_stream_send(thread, c) : load_datagram_send(thread, c);
}

static bool receive_some(struct load_thread *thread, struct load_connection *c, bool *ret_more)
{
    return is_stream(thread) ? load_stream_receive(thread, c, ret_more)
                             : load_datagram_receive(thread, c, ret_more);
}

static uint64_t unanswered(const struct load_thread *thread, const struct load_connection *c)
{
    uint64_t count = 0;

    for (uint64_t i = c->first; i < c->next; i++)
        count += *load_begun(thread, c, i) != LOAD_ANSWERED;
    return count;
}

void load_connection_close(struct load_thread *thread, struct load_connection *c)
{
    struct linger at_once = {.l_onoff = 1};

    if (c->fd >= 0) {
        if (thread->plan->reset) /* Fails for no socket; a datagram's does not care. */
            (void)setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
        (void)close(c->fd); /* Linux releases the descriptor whatever close(2) answers. */
    }
    thread->counts->lost += unanswered(thread, c);
    c->base = c->first = c->next;
    c->fd = -1;
    c->state = LOAD_IDLE;
}

static void break_off(struct load_thread *thread, struct load_connection *c)
{
    load_connection_close(thread, c);
    c->pause_nsec = c->pause_nsec ? c->pause_nsec * 2 : PAUSE_MIN_NSEC;
    if (c->pause_nsec > PAUSE_MAX_NSEC)
        c->pause_nsec = PAUSE_MAX_NSEC;
    c->open_at = thread->now + c->pause_nsec;
    if (c->open_at < thread->next_sweep)
        thread->next_sweep = c->open_at;
}

/* Asks for an event even if nothing new comes: 0 or -errno. */
static int watch(struct load_thread *thread, struct load_connection *c, int operation)
{
    struct epoll_event event = {.events = EVENTS | EPOLLET, .data.ptr = c};

    return epoll_ctl(thread->epoll, operation, c->fd, &event) < 0 ? -errno : 0;
}

static void open_connection(struct load_thread *thread, struct load_connection *c)
{
    int r;

    c->since = thread->now = clock_nsec();
    c->sent = c->received = c->next * thread->plan->size;
    c->fd = dial_begin(&thread->plan->peer, thread->plan->type, &thread->plan->dial);
    r = c->fd < 0 ? c->fd : watch(thread, c, EPOLL_CTL_ADD);
    if (r == 0) {
        c->state = LOAD_CONNECTING;
        return;
    }
    (void)load_fail_errno(thread, r, LOAD_NOT_CONNECTED);
    break_off(thread, c);
}

static bool exchange(struct load_thread *thread, struct load_connection *c, uint32_t events)
{
    bool more = false, ending = events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR);

    if (!ending && !(events & EPOLLIN))
        return send_some(thread, c);
    for (unsigned i = 0; i < ROUNDS; i++) {
        if (!receive_some(thread, c, &more))
            return false;
        if (!ending && !send_some(thread, c))
            return false;
        if (!ending && !more)
            return true;
    }
    return watch(thread, c, EPOLL_CTL_MOD) == 0 || load_fail(thread, LOAD_LOCAL);
}

/* What came with the connection, its end even, is in EVENTS, and no other event will say so. */
static bool finish_connecting(struct load_thread *thread, struct load_connection *c,
                              uint32_t events)
{
    int r = dial_finish(c->fd, &thread->plan->peer, &thread->plan->dial);

    thread->now = clock_nsec();
    if (r < 0)
        return load_fail_errno(thread, r, LOAD_NOT_CONNECTED);
    thread->counts->opened++;
    if (c->since >= thread->control->measure_from && c->since < thread->until)
        histogram_add(&thread->counts->connect, (uint64_t)(thread->now - c->since));
    c->state = LOAD_OPEN;
    return exchange(thread, c, events);
}

/* Whether its one message is done. */
static bool has_served(const struct load_thread *thread, const struct load_connection *c)
{
    return thread->plan->reconnect && c->state == LOAD_OPEN && c->first > c->base;
}

/* Whether there is use for it; where each message has its connection, if one is due. */
static bool is_wanted(const struct load_thread *thread, const struct load_connection *c)
{
    return thread->plan->reconnect ? load_may_begin(thread, c) : thread->now < thread->until;
}

static void open_if_wanted(struct load_thread *thread, struct load_connection *c)
{
    if (c->state == LOAD_IDLE && thread->now >= c->open_at && is_wanted(thread, c))
        open_connection(thread, c);
}

static void step(struct load_thread *thread, struct load_connection *c, uint32_t events)
{
    bool fine = c->state == LOAD_CONNECTING ? finish_connecting(thread, c, events)
                                            : exchange(thread, c, events);

    if (!fine)
        break_off(thread, c);
    else if (has_served(thread, c))
        load_connection_close(thread, c);
    open_if_wanted(thread, c);
}

static void release(struct load_thread *thread, struct load_connection *c)
{
    if (c->state == LOAD_OPEN && !send_some(thread, c))
        break_off(thread, c);
    open_if_wanted(thread, c);
}

int64_t load_connection_deadline(const struct load_thread *thread, const struct load_connection *c)
{
    switch (c->state) {
    case LOAD_IDLE:
        /* What is due later will open it itself. */
        return thread->now < c->open_at || is_wanted(thread, c) ? c->open_at : INT64_MAX;
    case LOAD_CONNECTING:
        return c->since + thread->plan->timeout_nsec;
    case LOAD_OPEN:
        break;
    }
    if (c->first == c->next)
        return INT64_MAX;
    return *load_begun(thread, c, c->first) + thread->plan->timeout_nsec;
}

bool load_connection_is_busy(const struct load_thread *thread, const struct load_connection *c)
{
    return c->first < c->next || (thread->plan->reconnect && c->state == LOAD_CONNECTING);
}

static bool expire(struct load_thread *thread, struct load_connection *c)
{
    if (c->state == LOAD_CONNECTING)
        return load_fail(thread, LOAD_CONNECT_TIMED_OUT);
    if (is_stream(thread))
        return load_fail(thread, LOAD_TIMED_OUT);
    load_datagram_expire(thread, c, thread->now - thread->plan->timeout_nsec);
    return send_some(thread, c);
}

static void overdue(struct load_thread *thread, struct load_connection *c)
{
    if (c->state != LOAD_IDLE && !expire(thread, c))
        break_off(thread, c);
    open_if_wanted(thread, c);
}

/* ---- from outside: whatever happens to a connection, the thread knows how many are ready ---- */

/* A message that is due would be sent; where each has its connection, that would be opened. */
static bool is_ready(const struct load_thread *thread, const struct load_connection *c)
{
    if (thread->plan->rate <= 0) /* Nothing is ever due. */
        return false;
    if (c->state == LOAD_OPEN)
        return load_has_room(thread, c);
    return c->state == LOAD_IDLE && thread->plan->reconnect;
}

void load_connection_step(struct load_thread *thread, struct load_connection *c, uint32_t events)
{
    thread->ready -= is_ready(thread, c);
    step(thread, c, events);
    thread->ready += is_ready(thread, c);
}

void load_connection_release(struct load_thread *thread, struct load_connection *c)
{
    thread->ready -= is_ready(thread, c);
    release(thread, c);
    thread->ready += is_ready(thread, c);
}

void load_connection_overdue(struct load_thread *thread, struct load_connection *c)
{
    thread->ready -= is_ready(thread, c);
    overdue(thread, c);
    thread->ready += is_ready(thread, c);
}
