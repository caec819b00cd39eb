/* SPDX-License-Identifier: MIT */
#include "ping_servers.h"

#include <check.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { MESSAGE = 56 };

/* Whether there is something to read; false when the server is to end. */
static bool await(const struct ping_server *server, int fd)
{
    struct pollfd pollfd[] = {{.fd = server->finish[0], .events = POLLIN},
                              {.fd = fd, .events = POLLIN}};

    return poll(pollfd, 2, -1) > 0 && !pollfd[0].revents;
}

static char next_letter(const char **script)
{
    char letter = **script;

    if ((*script)[1] != '\0')
        (*script)++;
    return letter;
}

/* Datagrams. */

struct datagram {
    unsigned char data[65536];
    size_t length;
    struct addr from;
};

static void answer(const struct ping_server *server, const struct datagram *datagram)
{
    (void)sendto(server->fd, datagram->data, datagram->length, MSG_NOSIGNAL, &datagram->from.sa,
                 datagram->from.len);
}

static void answer_as(const struct ping_server *server, char letter, struct datagram *datagram)
{
    static const char else_said[] = "something else";

    switch (letter) {
    case '2':
        answer(server, datagram);
        break;
    case 'c':
        datagram->data[datagram->length - 1] ^= 1;
        break;
    case 'H':
        datagram->data[0] ^= 1;
        break;
    case 't':
        datagram->length /= 2;
        break;
    case 's':
        answer(server, datagram);
        memcpy(datagram->data, else_said, sizeof(else_said));
        datagram->length = sizeof(else_said);
        break;
    default:
        break;
    }
    answer(server, datagram);
}

static bool receive(const struct ping_server *server, struct datagram *datagram)
{
    ssize_t n;

    datagram->from.len = sizeof(datagram->from) - offsetof(struct addr, sa);
    n = recvfrom(server->fd, datagram->data, sizeof(datagram->data), MSG_DONTWAIT,
                 &datagram->from.sa, &datagram->from.len);
    datagram->length = n < 0 ? 0 : (size_t)n;
    return n >= 0;
}

static void *serve_datagrams(void *argument)
{
    const struct ping_server *server = argument;
    const char *script = server->script;
    static _Thread_local struct datagram now, held; /* too large for a stack */
    bool holds = false;

    while (await(server, server->fd)) {
        char letter;

        if (!receive(server, &now))
            continue;
        letter = next_letter(&script);
        if (letter == 'h') {
            held = now;
            holds = true;
        } else if (letter != 'x') {
            answer_as(server, letter, &now);
            if (holds)
                answer(server, &held);
            holds = false;
        }
    }
    return NULL;
}

/* Streams. */

static void reset(int fd)
{
    (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &(struct linger){.l_onoff = 1},
                     sizeof(struct linger));
}

/* Sends back what came, as the letter has it; false at the end. */
static bool pass_on(int fd, char letter, size_t *done)
{
    unsigned char data[65536];
    size_t most = letter == '3' ? 3 * MESSAGE - *done : sizeof(data);
    ssize_t n = recv(fd, data, most, 0);

    if (n <= 0)
        return false;
    if (letter == 'c' && *done <= 100 && *done + (size_t)n > 100)
        data[100 - *done] ^= 1;
    *done += (size_t)n;
    if (letter == 'r') {
        reset(fd);
        return false;
    }
    if (letter != 'x')
        (void)send(fd, data, (size_t)n, MSG_NOSIGNAL);
    if (letter == 's')
        (void)send(fd, "something else", 14, MSG_NOSIGNAL);
    return letter != '3' || *done < 3 * MESSAGE;
}

static void *serve_streams(void *argument)
{
    const struct ping_server *server = argument;
    const char *script = server->script;

    while (await(server, server->fd)) {
        char letter = next_letter(&script);
        int fd = accept4(server->fd, NULL, NULL, SOCK_CLOEXEC);
        size_t done = 0;

        while (await(server, fd) && pass_on(fd, letter, &done))
            ;
        (void)close(fd);
    }
    return NULL;
}

static void write_target(struct ping_server *server)
{
    char text[ADDR_TEXT_MAX];
    bool is_unix = server->addr.sa.sa_family == AF_UNIX;

    ck_assert_int_eq(addr_of_socket(server->fd, &server->addr), 0);
    addr_format(&server->addr, text);
    if (server->type == SOCK_STREAM)
        (void)snprintf(server->target, sizeof(server->target), "%s", text);
    else if (is_unix)
        (void)snprintf(server->target, sizeof(server->target), "unixgram:%s", text + 5);
    else
        (void)snprintf(server->target, sizeof(server->target), "udp://%s", text);
}

void ping_server_start(struct ping_server *server)
{
    if (server->addr.len == 0)
        server->addr = addr_loopback(AF_INET, 0);
    server->fd = socket(server->addr.sa.sa_family, server->type | SOCK_CLOEXEC, 0);
    ck_assert_int_ge(server->fd, 0);
    ck_assert_int_eq(bind(server->fd, &server->addr.sa, server->addr.len), 0);
    if (server->type == SOCK_STREAM)
        ck_assert_int_eq(listen(server->fd, 16), 0);
    write_target(server);
    ck_assert_int_eq(pipe2(server->finish, O_CLOEXEC), 0);
    ck_assert_int_eq(pthread_create(&server->thread, NULL,
                                    server->type == SOCK_STREAM ? serve_streams : serve_datagrams,
                                    server),
                     0);
}

void ping_server_stop(struct ping_server *server)
{
    (void)close(server->finish[1]);
    ck_assert_int_eq(pthread_join(server->thread, NULL), 0);
    (void)close(server->finish[0]);
    (void)close(server->fd);
}
