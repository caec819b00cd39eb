/* SPDX-License-Identifier: MIT */
#include "client/path.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

/* A socket option that takes an int, for both families. */
struct knob {
    bool wanted;
    int value;
    int inet, inet6; /* option names */
};

static int turn(int fd, int family, const struct knob *knob)
{
    int level = family == AF_INET6 ? IPPROTO_IPV6 : IPPROTO_IP;
    int name = family == AF_INET6 ? knob->inet6 : knob->inet;

    if (!knob->wanted)
        return 0;
    return setsockopt(fd, level, name, &knob->value, sizeof(knob->value)) < 0 ? -errno : 0;
}

static int bind_to_interface(int fd, const char *name)
{
    size_t length = strlen(name);

    return setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, name, (socklen_t)length) < 0 ? -errno : 0;
}

static int set_mark(int fd, uint32_t mark)
{
    return setsockopt(fd, SOL_SOCKET, SO_MARK, &mark, sizeof(mark)) < 0 ? -errno : 0;
}

int path_apply(int fd, int family, const struct path_options *path)
{
    const struct knob knobs[] = {
        {path->ttl > 0, (int)path->ttl, IP_TTL, IPV6_UNICAST_HOPS},
        {path->dscp > 0, (int)path->dscp << 2, IP_TOS, IPV6_TCLASS}, /* below it: ECN */
        /* "Probe" sets the flag, too, but does not trust what was learnt of the path's MTU. */
        {path->dont_fragment, IP_PMTUDISC_PROBE, IP_MTU_DISCOVER, IPV6_MTU_DISCOVER},
        /* Routers of IPv6 never cut anything up; this machine would. */
        {path->dont_fragment && family == AF_INET6, 1, 0, IPV6_DONTFRAG},
    };
    int r = path->interface ? bind_to_interface(fd, path->interface) : 0;

    if (r == 0 && path->mark > 0)
        r = set_mark(fd, (uint32_t)path->mark);
    for (size_t i = 0; r == 0 && i < sizeof(knobs) / sizeof(knobs[0]); i++)
        r = turn(fd, family, &knobs[i]);
    return r;
}
