/* SPDX-License-Identifier: MIT */
#include "client/connect.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "base/cleanup.h"
#include "client/deadline.h"

static int connect_finish(int fd, int64_t deadline)
{
    int error = 0;
    int r = deadline_poll(fd, POLLOUT, deadline);

    if (r < 0)
        return r;
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &(socklen_t){sizeof(error)}) < 0)
        return -errno;
    return -error;
}

/*
 * A connection to a local port where nobody listens may end up at itself, when the kernel chooses
 * that very port for our side (TCP's simultaneous open). It would echo perfectly.
 */
static bool is_self_connected(int fd, const struct addr *peer)
{
    struct addr own;

    return addr_of_socket(fd, &own) == 0 && addr_equal(&own, peer);
}

static int connect_inet(int fd, const struct addr *addr, int64_t deadline)
{
    int r = 0;

    /* The last part of a message must not wait for the first one's acknowledgement. */
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    if (connect(fd, &addr->sa, addr->len) < 0)
        r = errno == EINPROGRESS || errno == EINTR ? connect_finish(fd, deadline) : -errno;
    if (r == 0 && is_self_connected(fd, addr))
        return -ECONNREFUSED;
    return r;
}

/*
 * When the listener's queue is full, a non-blocking connect(2) fails with EAGAIN, and there is
 * nothing to poll for. A blocking one waits, and SO_SNDTIMEO bounds it (unix(7), socket(7)).
 */
static int connect_unix(int fd, const struct addr *addr, int64_t deadline)
{
    int64_t left = deadline - clock_nsec();
    struct timeval timeout = {.tv_sec = left / NSEC_PER_SEC, .tv_usec = left % NSEC_PER_SEC / 1000};
    int r, flags;

    if (left < 1000) /* A timeout of zero would wait for ever. */
        return -ETIMEDOUT;
    if (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout)) < 0)
        return -errno;
    flags = fcntl(fd, F_GETFL);
    if (flags < 0 || fcntl(fd, F_SETFL, flags & ~O_NONBLOCK) < 0)
        return -errno;
    do
        r = connect(fd, &addr->sa, addr->len);
    while (r < 0 && errno == EINTR);
    if (r < 0)
        return errno == EAGAIN ? -ETIMEDOUT : -errno;
    return fcntl(fd, F_SETFL, flags) < 0 ? -errno : 0;
}

static int connect_one(const struct addr *addr, int64_t deadline, struct connection *ret_connection)
{
    _cleanup_(closep) int fd = -1;
    int64_t start = clock_nsec();
    int r;

    fd = socket(addr->sa.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    if (addr->sa.sa_family == AF_UNIX)
        r = connect_unix(fd, addr, deadline);
    else
        r = connect_inet(fd, addr, deadline);
    if (r < 0)
        return r;
    *ret_connection =
        (struct connection){.fd = fd, .peer = *addr, .connect_nsec = clock_nsec() - start};
    fd = -1; /* now owned by the caller */
    return 0;
}

/* Errors that only say that this machine has no way to that address family. */
static bool is_no_route(int r)
{
    return r == -ENETUNREACH || r == -EADDRNOTAVAIL || r == -EAFNOSUPPORT;
}

int connect_first(const struct addr_list *list, int64_t deadline, struct connection *ret_connection)
{
    int result = -EADDRNOTAVAIL;

    for (size_t i = 0; i < list->count; i++) {
        int64_t now = clock_nsec();
        int64_t share = (deadline - now) / (int64_t)(list->count - i);
        int r = connect_one(&list->addr[i], now + share, ret_connection);

        if (r == 0)
            return 0;
        if (is_no_route(result) || !is_no_route(r))
            result = r;
    }
    return result;
}
