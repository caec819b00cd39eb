/* SPDX-License-Identifier: MIT */
#include "torture/client.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"

#define NEVER UINT64_MAX

enum { COME_AGAIN_USEC = 20000, AFTER_FAULT_USEC = 200000, CONNECT_AGAIN_USEC = 5000 };

/* SplitMix64, as client/pattern.h has it: the next number from LEAST to MOST. */
static uint64_t draw(struct client *client, uint64_t least, uint64_t most)
{
    uint64_t z = client->random += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    z ^= z >> 31;
    return least + z % (most - least + 1);
}

static uint64_t least_of(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static uint64_t unanswered(const struct client *client)
{
    return client->sent > client->witness.at ? client->sent - client->witness.at : 0;
}

static struct culprit culprit(const struct client *client)
{
    return (struct culprit){
        .number = client->number,
        .habit = client->habit->name,
        .target = client->target,
        .age_usec = client->accepted_usec ? clock_usec() - client->accepted_usec : 0,
        .offset = client->witness.at,
        .unanswered = unanswered(client),
    };
}

static void schedule(struct client *client)
{
    client->due_usec = least_of(least_of(client->next_usec, client->read_usec),
                                least_of(client->end_usec, client->silent_usec));
}

/* ---- the end of a connection ---- */

static void leave(struct client *client, uint64_t pause_usec)
{
    record_wrong(&client->torment->record, &client->witness);
    if (client->fd >= 0)
        (void)close(client->fd);
    client->fd = -1;
    client->state = CLIENT_AWAY;
    client->moved = true;
    client->waiting_usec = 0;
    client->read_usec = client->end_usec = client->silent_usec = NEVER;
    client->next_usec = client->torment->ending ? NEVER : clock_usec() + pause_usec;
    schedule(client);
}

static void fault(struct client *client, enum fault kind, const char *detail)
{
    struct culprit who = culprit(client);

    record_fault(&client->torment->record, kind, &who, detail);
    leave(client, AFTER_FAULT_USEC);
}

static void tell_findings(struct client *client, unsigned findings)
{
    struct culprit who = culprit(client);

    if (findings > 0)
        record_finding(&client->witness.last, &who);
}

/* The server has closed. */
static void finish(struct client *client)
{
    tell_findings(client, witness_end(&client->witness, client->sent));
    if (client->state != CLIENT_ENDING || client->witness.at < client->sent) {
        fault(client, FAULT_BROKEN, "the end came early");
        return;
    }
    client->torment->record.finished++;
    leave(client, draw(client, 0, COME_AGAIN_USEC));
}

/* ---- the beginning ---- */

static int make_socket(const struct client *client)
{
    const struct habit *habit = client->habit;
    int fd = socket(client->addr.sa.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    if (fd < 0)
        return -1;
    /* Whatever is not taken on changes how hard the test is, not what it says. */
    if (habit->receive_buffer)
        (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &habit->receive_buffer, sizeof(int));
    if (client->addr.sa.sa_family == AF_INET) {
        (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
        if (habit->segment)
            (void)setsockopt(fd, IPPROTO_TCP, TCP_MAXSEG, &habit->segment, sizeof(int));
    }
    return fd;
}

static void watch(struct client *client, uint32_t interest)
{
    struct epoll_event event = {.events = interest, .data.ptr = client};

    if (interest != client->interest)
        (void)epoll_ctl(client->torment->epoll, EPOLL_CTL_MOD, client->fd, &event);
    client->interest = interest;
}

/* The message under way is the last. */
static void be_over(struct client *client)
{
    client->is_over = true;
    client->next_usec = client->end_usec = NEVER;
}

static void begin_stream(struct client *client)
{
    uint64_t now = clock_usec();
    const struct habit *habit = client->habit;

    client->state = CLIENT_OPEN;
    client->torment->record.opened++;
    client->next_usec = now;
    client->silent_usec = NEVER;
    if (habit->life_max_ms)
        client->end_usec = now + draw(client, habit->life_min_ms, habit->life_max_ms) * 1000;
    if (client->torment->ending)
        be_over(client);
}

/* The queue of a Unix socket is full: that is no refusal. */
static void connect_later(struct client *client)
{
    (void)close(client->fd);
    client->fd = -1;
    client->next_usec = clock_usec() + CONNECT_AGAIN_USEC;
    schedule(client);
}

static void open_connection(struct client *client)
{
    struct epoll_event event = {.events = EPOLLOUT, .data.ptr = client};

    client->sent = client->goal = 0;
    client->is_full = client->is_over = false;
    client->next_usec = NEVER;
    client->accepted_usec = 0;
    witness_init(&client->witness, draw(client, 0, UINT64_MAX - 1));
    client->fd = make_socket(client);
    if (client->fd < 0 ||
        epoll_ctl(client->torment->epoll, EPOLL_CTL_ADD, client->fd, &event) < 0) {
        perror("torment: socket");
        exit(2);
    }
    client->interest = EPOLLOUT;
    if (connect(client->fd, &client->addr.sa, client->addr.len) < 0 && errno != EINPROGRESS) {
        if (errno == EAGAIN)
            connect_later(client);
        else
            fault(client, FAULT_REFUSED, strerrorname_np(errno));
        return;
    }
    client->state = CLIENT_CONNECTING;
    client->silent_usec = clock_usec() + client->torment->patience_usec;
    schedule(client);
}

/* ---- in between ---- */

static void next_message(struct client *client, uint64_t now)
{
    const struct habit *habit = client->habit;
    uint64_t pause = draw(client, habit->pause_min_usec, habit->pause_max_usec);

    client->goal += draw(client, habit->size_min, habit->size_max);
    client->torment->record.messages++;
    /* One that does not wait for answers keeps its schedule, and catches up where it is late. */
    client->next_usec = habit->pipelined ? client->next_usec + pause : NEVER;
    if (client->next_usec < now)
        client->next_usec = now;
}

/* The message is through, and its answer, where that is waited for. */
static void after_message(struct client *client, uint64_t now)
{
    const struct habit *habit = client->habit;

    if (!habit->pipelined && !client->is_over && client->next_usec == NEVER &&
        client->witness.at >= client->goal)
        client->next_usec = now + draw(client, habit->pause_min_usec, habit->pause_max_usec);
}

static void count_sent(struct client *client, size_t size)
{
    if (!client->waiting_usec) {
        client->waiting_usec = clock_usec();
        client->silent_usec = client->waiting_usec + client->torment->patience_usec;
    }
    client->sent += size;
}

static bool send_some(struct client *client)
{
    static uint8_t bytes[WITNESS_MOST];

    while (!client->is_full && client->sent < client->goal &&
           unanswered(client) < client->habit->window) {
        uint64_t size = least_of(least_of(client->goal - client->sent, sizeof(bytes)),
                                 client->habit->window - unanswered(client));
        ssize_t n;

        pattern_fill(&client->witness.pattern, client->sent, bytes, size);
        n = send(client->fd, bytes, size, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n < 0 && errno != EAGAIN)
            return false;
        client->is_full = n < (ssize_t)size;
        if (n > 0)
            count_sent(client, (size_t)n);
    }
    return true;
}

static void count_received(struct client *client, size_t size)
{
    uint64_t now = clock_usec();

    if (!client->accepted_usec)
        client->accepted_usec = now;
    if (client->waiting_usec && now - client->waiting_usec > client->waited_usec)
        client->waited_usec = now - client->waiting_usec;
    client->torment->record.bytes += size;
    client->moved = true;
    client->waiting_usec = unanswered(client) > 0 ? now : 0;
    client->silent_usec = client->waiting_usec || client->state == CLIENT_ENDING
                              ? now + client->torment->patience_usec
                              : NEVER;
    after_message(client, now);
}

/* Whether it reads slowly: not when the rest is wanted. */
static bool takes_its_time(const struct client *client)
{
    return client->habit->read_pause_usec > 0 && client->state == CLIENT_OPEN;
}

/* False: that was the end of the connection, and has been dealt with. */
static bool receive_some(struct client *client)
{
    static uint8_t bytes[WITNESS_MOST];
    size_t most = takes_its_time(client) ? client->habit->read_most : sizeof(bytes);
    ssize_t n = recv(client->fd, bytes, most, MSG_DONTWAIT);

    if (n < 0 && errno == EAGAIN)
        return true;
    if (n < 0)
        fault(client, FAULT_BROKEN, strerrorname_np(errno));
    else if (n == 0)
        finish(client);
    if (n <= 0)
        return false;
    tell_findings(client, witness_see(&client->witness, bytes, (size_t)n, client->sent));
    count_received(client, (size_t)n);
    if (takes_its_time(client))
        client->read_usec = clock_usec() + client->habit->read_pause_usec;
    return true;
}

static void half_close(struct client *client)
{
    if (shutdown(client->fd, SHUT_WR) < 0) {
        fault(client, FAULT_BROKEN, strerrorname_np(errno));
        return;
    }
    client->state = CLIENT_ENDING;
    client->read_usec = NEVER;
    client->silent_usec = clock_usec() + client->torment->patience_usec;
}

/* Sends what it may; waits for what is missing. */
static void go_on(struct client *client)
{
    if (client->state == CLIENT_OPEN && !send_some(client)) {
        fault(client, FAULT_BROKEN, strerrorname_np(errno));
        return;
    }
    if (client->state == CLIENT_OPEN && client->is_over && client->sent == client->goal)
        half_close(client);
    if (client->state == CLIENT_AWAY)
        return;
    watch(client, (client->read_usec == NEVER ? EPOLLIN : 0) | (client->is_full ? EPOLLOUT : 0));
    schedule(client);
}

/* ---- for the caller ---- */

void client_init(struct client *client, struct torment *torment, const struct habit *habit,
                 const char *target, const struct addr *addr, unsigned number, uint64_t seed,
                 uint64_t when_usec)
{
    *client = (struct client){.torment = torment,
                              .habit = habit,
                              .target = target,
                              .addr = *addr,
                              .number = number,
                              .random = seed ^ ((uint64_t)number << 32),
                              .fd = -1,
                              .next_usec = when_usec,
                              .read_usec = NEVER,
                              .end_usec = NEVER,
                              .silent_usec = NEVER,
                              .moved = true};
    schedule(client);
}

static void connected(struct client *client)
{
    int error = 0;
    socklen_t size = sizeof(error);

    (void)getsockopt(client->fd, SOL_SOCKET, SO_ERROR, &error, &size);
    if (error)
        fault(client, error == ECONNRESET ? FAULT_BROKEN : FAULT_REFUSED, strerrorname_np(error));
    else
        begin_stream(client);
}

void client_ready(struct client *client, uint32_t events)
{
    if (client->state == CLIENT_CONNECTING)
        connected(client);
    if (client->state == CLIENT_AWAY)
        return;
    if (events & EPOLLOUT)
        client->is_full = false;
    if ((events & (EPOLLIN | EPOLLERR | EPOLLHUP)) && !receive_some(client))
        return;
    go_on(client);
}

void client_due(struct client *client, uint64_t now_usec)
{
    if (client->state == CLIENT_AWAY) {
        open_connection(client);
        return;
    }
    if (client->silent_usec <= now_usec) {
        fault(client, FAULT_SILENT, client->state == CLIENT_CONNECTING ? "connecting" : "waiting");
        return;
    }
    if (client->read_usec <= now_usec)
        client->read_usec = NEVER;
    if (client->end_usec <= now_usec)
        be_over(client);
    if (client->next_usec <= now_usec && client->sent == client->goal)
        next_message(client, now_usec);
    else if (client->next_usec <= now_usec)
        client->next_usec = now_usec + 1000; /* The one before is not through. */
    go_on(client);
}

void client_end(struct client *client)
{
    if (client->state == CLIENT_AWAY) {
        client->next_usec = NEVER;
        schedule(client);
    } else if (client->state == CLIENT_OPEN) {
        be_over(client);
        go_on(client);
    }
}

void client_expect(struct client *client)
{
    client->moved =
        client->state == CLIENT_AWAY || (client->state == CLIENT_OPEN && unanswered(client) == 0);
}
