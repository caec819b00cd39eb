/* SPDX-License-Identifier: MIT */
#include "client/dial.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "client/proxy_send.h"

static int bind_source(int fd, const struct addr *source)
{
    /* The port is chosen at connect(2), so that many connections can share it. See ip(7). */
    if (source->sa.sa_family == AF_INET || source->sa.sa_family == AF_INET6)
        (void)setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &(int){1}, sizeof(int));
    return bind(fd, &source->sa, source->len) < 0 ? -errno : 0;
}

static int autobind(int fd)
{
    const struct sockaddr_un unnamed = {.sun_family = AF_UNIX};

    return bind(fd, (const struct sockaddr *)&unnamed, sizeof(sa_family_t)) < 0 ? -errno : 0;
}

static int prepare(int fd, const struct addr *addr, int type, const struct dial_options *options)
{
    int r = 0;

    /* The last part of a message must not wait for the first one's acknowledgement. */
    if (type == SOCK_STREAM && addr->sa.sa_family != AF_UNIX)
        (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int)); /* not of vsock */
    if (type == SOCK_DGRAM && addr->sa.sa_family == AF_UNIX)
        return autobind(fd);
    if (addr->sa.sa_family == AF_INET || addr->sa.sa_family == AF_INET6)
        r = path_apply(fd, addr->sa.sa_family, &options->path);
    return r == 0 && options->source.len > 0 ? bind_source(fd, &options->source) : r;
}

int dial_begin(const struct addr *addr, int type, const struct dial_options *options)
{
    _cleanup_(closep) int fd = -1;
    int r, result;

    fd = socket(addr->sa.sa_family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    r = prepare(fd, addr, type, options);
    if (r < 0)
        return r;
    if (connect(fd, &addr->sa, addr->len) < 0 && errno != EINPROGRESS && errno != EINTR)
        return -errno;
    result = fd;
    fd = -1; /* now owned by the caller */
    return result;
}

/*
 * A connection to a local port where nobody listens may end up at itself, when the kernel chooses
 * that very port for our side (TCP's simultaneous open; UDP just does). It would echo perfectly.
 */
static bool is_self_connected(int fd, const struct addr *peer)
{
    struct addr own;

    return addr_of_socket(fd, &own) == 0 && addr_equal(&own, peer);
}

/* All of it at once: the first bytes of a connection always have room. */
static int send_proxy_header(int fd, unsigned version)
{
    unsigned char header[PROXY_SEND_MAX];
    struct addr own, peer;
    ssize_t n, length;
    int r = addr_of_socket(fd, &own);

    if (r == 0)
        r = addr_of_peer(fd, &peer);
    if (r < 0)
        return r;
    length = (ssize_t)proxy_send_header(version, &own, &peer, header);
    n = send(fd, header, (size_t)length, MSG_NOSIGNAL);
    if (n < 0)
        return -errno;
    return n == length ? 0 : -EIO;
}

int dial_finish(int fd, const struct addr *addr, const struct dial_options *options)
{
    int error = 0;

    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &(socklen_t){sizeof(error)}) < 0)
        return -errno;
    if (error == 0 && is_self_connected(fd, addr))
        return -ECONNREFUSED;
    if (error == 0 && options->proxy)
        return send_proxy_header(fd, options->proxy);
    return -error;
}
