/* SPDX-License-Identifier: MIT */
#include "net/listener.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <sys/socket.h>

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
int listener_set_datagram_options(int fd, int family)
{
    static const struct option udp[] = {
        {IPPROTO_IP, IP_PKTINFO, 1},
        {IPPROTO_IP, IP_RECVTOS, 1},
        {IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_OMIT},
        {SOL_SOCKET, SO_RCVBUF, DATAGRAMS_WAITING_BYTES},
        /* What whoever passed the socket may have turned on: answers to a network's broadcast
         * address, which a sender can be forged to have; many datagrams that look like one; times
         * of sending and errors, which wait until they are read. */
        {SOL_SOCKET, SO_BROADCAST, 0},
        {IPPROTO_UDP, UDP_GRO, 0},
        {SOL_SOCKET, SO_TIMESTAMPING, 0},
        {IPPROTO_IP, IP_RECVERR, 0},
    };
    static const struct option ipv6[] = {
        {IPPROTO_IPV6, IPV6_RECVPKTINFO, 1},
        {IPPROTO_IPV6, IPV6_RECVTCLASS, 1},
        {IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_DONT},
        {IPPROTO_IPV6, IPV6_RECVERR, 0},
    };
    int r;

    if (family != AF_INET && family != AF_INET6)
        return 0;
    r = SET_OPTIONS(fd, udp); /* IPv6 sockets get IPv4's datagrams, too, unless IPV6_V6ONLY. */
    return r < 0 || family == AF_INET ? r : SET_OPTIONS(fd, ipv6);
}

int listener_set_options(int fd, int type, int family)
{
    return type == SOCK_DGRAM ? listener_set_datagram_options(fd, family)
                              : listener_set_stream_options(fd, family);
}
