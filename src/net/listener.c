/* SPDX-License-Identifier: MIT */
#include "net/listener.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"

/* A peer that vanished is noticed after about 120 + 3 * 30 seconds, whoever would have to send. */
enum { KEEPALIVE_IDLE_S = 120, KEEPALIVE_INTERVAL_S = 30, KEEPALIVE_PROBES = 3 };

/* What may wait while the workers are busy; the kernel caps it at net.core.rmem_max. */
enum { DATAGRAMS_WAITING_BYTES = 1 << 20 };

enum { PEER_TIMEOUT_MS = (KEEPALIVE_IDLE_S + KEEPALIVE_PROBES * KEEPALIVE_INTERVAL_S) * 1000 };

struct option {
    int level, name, value;
};

#define SET_OPTIONS(fd, options) set_options(fd, options, sizeof(options) / sizeof((options)[0]))

static int set_options(int fd, const struct option *options, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (setsockopt(fd, options[i].level, options[i].name, &options[i].value, sizeof(int)) < 0)
            return -errno;
    return 0;
}

int listener_set_stream_options(int fd, int family)
{
    static const struct option tcp[] = {
        {IPPROTO_TCP, TCP_NODELAY, 1},
        {SOL_SOCKET, SO_OOBINLINE, 1}, /* an urgent byte is a byte like any other */
        {SOL_SOCKET, SO_KEEPALIVE, 1},
        {IPPROTO_TCP, TCP_KEEPIDLE, KEEPALIVE_IDLE_S},
        {IPPROTO_TCP, TCP_KEEPINTVL, KEEPALIVE_INTERVAL_S},
        {IPPROTO_TCP, TCP_KEEPCNT, KEEPALIVE_PROBES},
        {IPPROTO_TCP, TCP_USER_TIMEOUT, PEER_TIMEOUT_MS},
    };

    static const struct option local[] = {{SOL_SOCKET, SO_OOBINLINE, 1}};

    if (family == AF_UNIX)
        return SET_OPTIONS(fd, local);
    if (family != AF_INET && family != AF_INET6)
        return 0;
    return SET_OPTIONS(fd, tcp);
}

/*
 * Answers go out without "don't fragment", up to 65,507 bytes: with it, each would be lost that
 * meets a smaller link than the ones before. Over IPv4 routers fragment, and news of a path's MTU,
 * which anybody can forge, is not listened to; over IPv6 only the sender can, so there it is.
 */
static int set_datagram_options(int fd, int family)
{
    static const struct option udp[] = {
        {IPPROTO_IP, IP_RECVTOS, 1},
        {IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_OMIT},
        {SOL_SOCKET, SO_RCVBUF, DATAGRAMS_WAITING_BYTES},
    };
    static const struct option ipv4[] = {{IPPROTO_IP, IP_PKTINFO, 1}};
    static const struct option ipv6[] = {
        {IPPROTO_IPV6, IPV6_RECVPKTINFO, 1},
        {IPPROTO_IPV6, IPV6_RECVTCLASS, 1},
        {IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_DONT},
    };
    int r;

    if (family != AF_INET && family != AF_INET6)
        return 0;
    r = SET_OPTIONS(fd, udp); /* IPv6 sockets get IPv4's datagrams, too, unless IPV6_V6ONLY. */
    if (r < 0)
        return r;
    return family == AF_INET ? SET_OPTIONS(fd, ipv4) : SET_OPTIONS(fd, ipv6);
}

static int set_options_of_type(int fd, int type, int family)
{
    return type == SOCK_DGRAM ? set_datagram_options(fd, family)
                              : listener_set_stream_options(fd, family);
}

static int set_reuseport(int fd, int on)
{
    return set_options(fd, &(struct option){SOL_SOCKET, SO_REUSEPORT, on}, 1);
}

static bool overlaps(const struct addr *a, const struct addr *b)
{
    return a->sa.sa_family == b->sa.sa_family && addr_port(a) == addr_port(b) &&
           (addr_is_wildcard(a) || addr_is_wildcard(b));
}

/*
 * The kernel refuses 0.0.0.0 while one of ours listens on 127.0.0.1 with the same port, unless
 * both sockets say SO_REUSEPORT. They say it for this moment only: who does not say it then gets
 * EADDRINUSE as ever. (The kernel remembers it for the port, though: a process of the same user
 * that says it, too, could join. Not so for UDP. There the sockets that say it and have the same
 * address share the datagrams; ours have different ones, and the more specific one gets them.)
 */
static int pool_set_reuseport(const struct listener_set *pool, int type, const struct addr *addr,
                              int on)
{
    int overlapping = 0;

    for (size_t i = 0; i < pool->count; i++)
        if (pool->list[i].type == type && overlaps(&pool->list[i].addr, addr)) {
            (void)set_reuseport(pool->list[i].fd, on); /* If it fails, bind says so. */
            overlapping++;
        }
    return overlapping;
}

/* SO_REUSEADDR is for streams alone: of UDP it would let others take the port over. */
static int set_options_before_bind(int fd, const struct listener_wanted *wanted)
{
    static const struct option v6only = {IPPROTO_IPV6, IPV6_V6ONLY, 1};
    static const struct option reuseaddr = {SOL_SOCKET, SO_REUSEADDR, 1};
    int family = wanted->addr.sa.sa_family, r = 0;

    if (wanted->type == SOCK_STREAM)
        r = set_options(fd, &reuseaddr, 1);
    if (r == 0 && family == AF_INET6)
        r = set_options(fd, &v6only, 1);
    return r < 0 ? r : set_options_of_type(fd, wanted->type, family);
}

static int bind_and_listen(int fd, const struct listener_wanted *wanted, int backlog,
                           const char **ret_what)
{
    int r;

    *ret_what = "setsockopt";
    r = set_options_before_bind(fd, wanted);
    if (r < 0)
        return r;
    *ret_what = "bind";
    if (bind(fd, &wanted->addr.sa, wanted->addr.len) < 0)
        return -errno;
    *ret_what = "listen";
    return wanted->type == SOCK_STREAM && listen(fd, backlog) < 0 ? -errno : 0;
}

static int listener_open(const struct listener_wanted *wanted, int backlog,
                         const struct listener_set *pool, const char **ret_what)
{
    _cleanup_(closep) int fd = -1;
    int overlapping, result;

    *ret_what = "socket";
    fd = socket(wanted->addr.sa.sa_family, wanted->type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    overlapping = pool_set_reuseport(pool, wanted->type, &wanted->addr, 1);
    if (overlapping)
        (void)set_reuseport(fd, 1); /* If it fails, bind says so. */
    result = bind_and_listen(fd, wanted, backlog, ret_what);
    if (overlapping) {
        (void)set_reuseport(fd, 0); /* Turning it off cannot fail. */
        (void)pool_set_reuseport(pool, wanted->type, &wanted->addr, 0);
    }
    if (result < 0)
        return result;
    result = fd;
    fd = -1; /* now the caller's */
    return result;
}

static int set_add(struct listener_set *set, const struct listener *listener)
{
    struct listener *list = realloc(set->list, (set->count + 1) * sizeof(*list));

    if (!list)
        return -ENOMEM;
    set->list = list;
    set->list[set->count++] = *listener;
    return 0;
}

int listeners_copy(const struct listener_set *set, struct listener_set *ret)
{
    struct listener_set copy = {0};

    for (size_t i = 0; i < set->count; i++) {
        int r = set_add(&copy, &set->list[i]);

        if (r < 0) {
            free(copy.list);
            return r;
        }
    }
    *ret = copy;
    return 0;
}

static bool is_unavailable(int error)
{
    return error == -EAFNOSUPPORT || error == -EADDRNOTAVAIL;
}

static int open_wanted(const struct listener_wanted *wanted, int backlog,
                       const struct listener_set *pool, struct listener_set *set,
                       struct listener_fault *fault)
{
    const struct listener *kept = listeners_find(pool, wanted->type, &wanted->addr);
    struct listener listener = {.fd = -1, .type = wanted->type, .addr = wanted->addr};
    int r;

    if (listeners_find(set, wanted->type, &wanted->addr))
        return 0;
    *fault =
        (struct listener_fault){.type = wanted->type, .addr = wanted->addr, .what = "remember it"};
    if (kept)
        return set_add(set, kept);
    listener.fd = listener_open(wanted, backlog, pool, &fault->what);
    if (listener.fd < 0)
        return wanted->optional && is_unavailable(listener.fd) ? 0 : listener.fd;
    r = set_add(set, &listener);
    if (r < 0)
        closep(&listener.fd);
    return r;
}

int listeners_open(const struct listener_wanted *wanted, size_t count, int backlog,
                   const struct listener_set *pool, struct listener_set *ret,
                   struct listener_fault *ret_fault)
{
    struct listener_set set = {0};

    for (size_t i = 0; i < count; i++) {
        int r = open_wanted(&wanted[i], backlog, pool, &set, ret_fault);

        if (r < 0) {
            listeners_close_except(&set, pool);
            return r;
        }
    }
    *ret = set;
    return 0;
}

static int socket_int(int fd, int name)
{
    int value = -1;
    socklen_t size = sizeof(value);

    return getsockopt(fd, SOL_SOCKET, name, &value, &size) < 0 ? -1 : value;
}

/* Whether somebody could send to a datagram socket. */
static bool has_name(int fd)
{
    struct addr addr;

    if (addr_of_socket(fd, &addr) < 0)
        return false;
    return addr.sa.sa_family == AF_UNIX ? addr.len > sizeof(sa_family_t) : addr_port(&addr) != 0;
}

/* What is wrong with a passed descriptor, or NULL. */
static const char *passed_fault(int fd)
{
    int family = socket_int(fd, SO_DOMAIN);

    if (family < 0)
        return "it is no socket";
    if (family != AF_INET && family != AF_INET6 && family != AF_UNIX && family != AF_VSOCK)
        return "its address family is none of IPv4, IPv6, Unix, vsock";
    switch (socket_int(fd, SO_TYPE)) {
    case SOCK_STREAM:
        return socket_int(fd, SO_ACCEPTCONN) == 1
                   ? NULL
                   : "it does not listen (with Accept=yes, use echod --inetd)";
    case SOCK_DGRAM:
        if (family == AF_VSOCK)
            return "it is a datagram socket of vsock, which is not supported";
        return has_name(fd) ? NULL
                            : "it is bound to no address (ListenDatagram= makes one that is)";
    default:
        return "it is neither a stream nor a datagram socket (ListenStream= and ListenDatagram= "
               "make those)";
    }
}

static int set_flags(int fd)
{
    int flags = fcntl(fd, F_GETFL);

    if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
        return -errno;
    return fcntl(fd, F_SETFD, FD_CLOEXEC) < 0 ? -errno : 0;
}

int listener_adopt(int fd, const char *name, struct listener_set *set,
                   struct listener_fault *ret_fault)
{
    struct listener listener = {.fd = fd, .type = socket_int(fd, SO_TYPE), .passed = true};
    int r;

    ret_fault->what = passed_fault(fd);
    if (ret_fault->what)
        return -EINVAL;
    ret_fault->what = "taking it over failed";
    r = addr_of_socket(fd, &listener.addr);
    if (r == 0)
        r = set_flags(fd);
    if (r == 0)
        r = set_options_of_type(fd, listener.type, listener.addr.sa.sa_family);
    if (r < 0)
        return r;
    (void)snprintf(listener.name, sizeof(listener.name), "%s", name);
    return set_add(set, &listener);
}

int listeners_set_backlog(const struct listener_set *set, int backlog)
{
    for (size_t i = 0; i < set->count; i++) {
        const struct listener *listener = &set->list[i];

        if (listener->type == SOCK_STREAM && !listener->passed && listen(listener->fd, backlog) < 0)
            return -errno;
    }
    return 0;
}

int listener_backlog(const struct listener *listener)
{
    struct tcp_info info;
    socklen_t size = sizeof(info);

    if (getsockopt(listener->fd, IPPROTO_TCP, TCP_INFO, &info, &size) < 0)
        return -errno;
    return (int)info.tcpi_sacked; /* of a listening socket: the length its queue may have */
}

const struct listener *listeners_find(const struct listener_set *set, int type,
                                      const struct addr *addr)
{
    for (size_t i = 0; i < set->count; i++)
        if (set->list[i].type == type && addr_equal(&set->list[i].addr, addr))
            return &set->list[i];
    return NULL;
}

static bool set_has_fd(const struct listener_set *set, int fd)
{
    for (size_t i = 0; set && i < set->count; i++)
        if (set->list[i].fd == fd)
            return true;
    return false;
}

void listeners_close_except(struct listener_set *set, const struct listener_set *keep)
{
    for (size_t i = 0; i < set->count; i++)
        if (!set_has_fd(keep, set->list[i].fd))
            closep(&set->list[i].fd);
    free(set->list);
    *set = (struct listener_set){0};
}
