/* SPDX-License-Identifier: MIT */
#include "traffic/connection.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "traffic/fail.h"
#include "traffic/payload.h"

struct connection *connections_new(unsigned count, size_t size)
{
    struct connection *connections = calloc(count, sizeof(*connections));

    if (!connections)
        fail("no memory for %u connections", count);
    for (unsigned i = 0; i < count; i++) {
        connections[i] = (struct connection){.fd = -1, .number = i, .bytes = malloc(size)};
        if (!connections[i].bytes)
            fail("no memory for %u messages", count);
    }
    return connections;
}

void connections_free(struct connection *connections, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        if (connections[i].fd >= 0)
            close(connections[i].fd);
        free(connections[i].bytes);
    }
    free(connections);
}

void connection_open(struct connection *connection, const struct options *options)
{
    struct timeval patience = {.tv_sec = PATIENCE_S};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0)
        fail("socket for connection %u: %s", connection->number, strerror(errno));
    if (setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int)) < 0 ||
        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) < 0 ||
        setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience)) < 0)
        fail("setsockopt: %s", strerror(errno));
    if (connect(fd, (const struct sockaddr *)&options->target, sizeof(options->target)) < 0)
        fail("connect on connection %u: %s", connection->number, strerror(errno));
    connection->fd = fd;
}

struct connection *connections_open(const struct options *options)
{
    const size_t size = options->size;
    struct connection *connections = connections_new(options->connections, size);

    for (unsigned i = 0; i < options->connections; i++) {
        connection_open(&connections[i], options);
        connection_next(&connections[i], size, 0);
        connection_send(&connections[i], size, 0);
        while (!connection_receive(&connections[i], size, 0))
            ;
    }
    return connections;
}

void connection_next(struct connection *connection, size_t size, int64_t now_nsec)
{
    connection->message++;
    payload_fill(connection->bytes, size, connection->number, connection->message);
    connection->begun_nsec = now_nsec;
    connection->sent = connection->received = 0;
}

/* With MSG_DONTWAIT "not now" is an answer; without it, it is the end of patience. */
static void check_errno(const struct connection *connection, const char *what, int flags)
{
    if (errno != EAGAIN)
        fail("%s on connection %u: %s", what, connection->number, strerror(errno));
    if (!(flags & MSG_DONTWAIT))
        fail("%s on connection %u: nothing for %d s", what, connection->number, PATIENCE_S);
}

void connection_send(struct connection *connection, size_t size, int flags)
{
    ssize_t n = send(connection->fd, connection->bytes + connection->sent, size - connection->sent,
                     flags | MSG_NOSIGNAL);

    if (n < 0)
        check_errno(connection, "send", flags);
    else
        connection->sent += (size_t)n;
}

static void verify(const struct connection *connection, const uint8_t *got, size_t size)
{
    if (connection->received + size > connection->sent)
        fail("connection %u: more came back than was sent", connection->number);
    if (memcmp(connection->bytes + connection->received, got, size) != 0)
        fail("connection %u: wrong bytes in its message %llu", connection->number,
             (unsigned long long)connection->message);
}

bool connection_receive(struct connection *connection, size_t size, int flags)
{
    static uint8_t got[PAYLOAD_MAX + 1]; /* one more, to notice what should not come */
    ssize_t n = recv(connection->fd, got, size - connection->received + 1, flags);

    if (n == 0)
        fail("connection %u: closed by the server", connection->number);
    if (n < 0) {
        check_errno(connection, "recv", flags);
        return false;
    }
    verify(connection, got, (size_t)n);
    connection->received += (size_t)n;
    return connection->received == size;
}
