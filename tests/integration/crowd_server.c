/* SPDX-License-Identifier: MIT */
#include "crowd_server.h"

#include <check.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { BUFFER = 65536 };

static void close_peer(struct crowd_server *server, unsigned i, bool reset)
{
    struct linger linger = {.l_onoff = 1};

    if (reset)
        (void)setsockopt(server->peers[i], SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
    (void)close(server->peers[i]);
    server->peers[i] = server->peers[--server->count];
}

static void stall(void)
{
    struct timespec left = {.tv_nsec = CROWD_STALL_MS * 1000000L};

    while (nanosleep(&left, &left) < 0)
        ;
}

/* Whether it is this message's turn to be treated differently. */
static enum crowd_answer answer_for(struct crowd_server *server)
{
    unsigned number = ++server->messages;

    if (server->period == 0 || number % server->period != 0)
        return CROWD_ECHO;
    if (server->limit > 0 && server->done == server->limit)
        return CROWD_ECHO;
    server->done++;
    return server->answer;
}

/* Changes what came into what goes back: its length. */
static size_t spoil(enum crowd_answer answer, char *data, size_t size)
{
    switch (answer) {
    case CROWD_FLIP:
        data[size - 1] ^= 1;
        return size;
    case CROWD_CUT:
        return size / 2;
    case CROWD_DROP:
        return 0;
    case CROWD_STALL:
        stall();
        return size;
    default:
        return size;
    }
}

/* The client may be gone, or leave: that is its affair. */
static void send_all(int fd, const char *data, size_t size)
{
    while (size > 0) {
        ssize_t n = send(fd, data, size, MSG_NOSIGNAL);

        if (n <= 0)
            return;
        data += n;
        size -= (size_t)n;
    }
}

/* Returns whether the peer is still there. */
static bool serve_peer(struct crowd_server *server, unsigned i)
{
    static char data[BUFFER];
    ssize_t n = recv(server->peers[i], data, sizeof(data) / 2, 0);
    enum crowd_answer answer;
    size_t size;

    if (n <= 0) {
        close_peer(server, i, false);
        return false;
    }
    answer = answer_for(server);
    if (answer == CROWD_CLOSE || answer == CROWD_RESET || answer == CROWD_LEAVE) {
        if (answer == CROWD_LEAVE) {
            (void)close(server->listener);
            server->listener = -1;
        }
        close_peer(server, i, answer == CROWD_RESET);
        return false;
    }
    size = spoil(answer, data, (size_t)n);
    if (answer == CROWD_TWICE) { /* in one go, or it would answer the next message */
        memcpy(data + size, data, size);
        size *= 2;
    }
    send_all(server->peers[i], data, size);
    return true;
}

static void accept_peer(struct crowd_server *server)
{
    int fd = accept4(server->listener, NULL, NULL, SOCK_CLOEXEC);

    if (fd < 0)
        return;
    if (server->count == CROWD_MAX) {
        (void)close(fd);
        return;
    }
    if (server->answer == CROWD_MUTE)
        (void)shutdown(fd, SHUT_WR); /* The client may have left. */
    server->peers[server->count++] = fd;
    server->connections++;
}

static void serve_datagram(struct crowd_server *server)
{
    static char data[BUFFER];
    struct addr from = {.len = sizeof(from) - offsetof(struct addr, sa)};
    ssize_t n = recvfrom(server->listener, data, sizeof(data), 0, &from.sa, &from.len);
    enum crowd_answer answer;
    size_t size;

    if (n <= 0)
        return;
    answer = answer_for(server);
    size = spoil(answer, data, (size_t)n);
    if (size > 0)
        (void)sendto(server->listener, data, size, MSG_NOSIGNAL, &from.sa, from.len);
    if (answer == CROWD_TWICE)
        (void)sendto(server->listener, data, size, MSG_NOSIGNAL, &from.sa, from.len);
}

static void serve_ready(struct crowd_server *server, const struct pollfd *fds)
{
    if (fds[1].revents && server->type == SOCK_DGRAM)
        serve_datagram(server);
    /* Downwards: whoever leaves is replaced by the last one, which had its turn. */
    for (unsigned i = server->count; i-- > 0;)
        if (fds[i + 2].revents)
            (void)serve_peer(server, i);
    if (fds[1].revents && server->type != SOCK_DGRAM && server->listener >= 0)
        accept_peer(server);
}

static void *server_thread(void *argument)
{
    struct crowd_server *server = argument;
    struct pollfd fds[CROWD_MAX + 2];

    for (;;) {
        fds[0] = (struct pollfd){.fd = server->finish[0], .events = POLLIN};
        fds[1] = (struct pollfd){.fd = server->listener, .events = POLLIN};
        for (unsigned i = 0; i < server->count; i++)
            fds[i + 2] = (struct pollfd){.fd = server->peers[i], .events = POLLIN};
        if (poll(fds, server->count + 2, -1) < 0)
            continue;
        if (fds[0].revents)
            return NULL;
        serve_ready(server, fds);
    }
}

static const char *scheme(const struct crowd_server *server)
{
    if (server->type != SOCK_DGRAM)
        return "";
    return server->addr.sa.sa_family == AF_UNIX ? "unixgram:" : "udp://";
}

void crowd_server_start(struct crowd_server *server)
{
    char text[ADDR_TEXT_MAX];

    if (server->addr.len == 0)
        server->addr = addr_loopback(AF_INET, 0);
    if (server->type == 0)
        server->type = SOCK_STREAM;
    server->listener = socket(server->addr.sa.sa_family, server->type | SOCK_CLOEXEC, 0);
    ck_assert_int_ge(server->listener, 0);
    ck_assert_int_eq(bind(server->listener, &server->addr.sa, server->addr.len), 0);
    if (server->type == SOCK_STREAM)
        ck_assert_int_eq(listen(server->listener, CROWD_MAX), 0);
    ck_assert_int_eq(addr_of_socket(server->listener, &server->addr), 0);
    (void)addr_format(&server->addr, text);
    (void)snprintf(server->target, sizeof(server->target), "%s%s", scheme(server),
                   text + (*scheme(server) == 'u' && strncmp(text, "unix:", 5) == 0 ? 5 : 0));
    ck_assert_int_eq(pipe2(server->finish, O_CLOEXEC), 0);
    ck_assert_int_eq(pthread_create(&server->thread, NULL, server_thread, server), 0);
}

void crowd_server_stop(struct crowd_server *server)
{
    (void)close(server->finish[1]);
    ck_assert_int_eq(pthread_join(server->thread, NULL), 0);
    while (server->count > 0)
        close_peer(server, server->count - 1, false);
    if (server->listener >= 0)
        (void)close(server->listener);
    (void)close(server->finish[0]);
}
