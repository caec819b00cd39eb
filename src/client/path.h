/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/*
 * How packets are to travel: what ip(7), ipv6(7) and socket(7) let a socket ask for. Zero leaves a
 * choice to the system.
 */
struct path_options {
    uint64_t ttl;          /* 1..255: hops; of IPv6 the hop limit */
    uint64_t dscp;         /* 0..63: RFC 2474 */
    uint64_t mark;         /* 0..UINT32_MAX: for routing rules and the firewall; privileged */
    const char *interface; /* not owned: the one to use */
    bool dont_fragment;    /* what does not fit the path fails, whatever is known of the path */
};

/* To be called before connect(2), on a socket of AF_INET or AF_INET6. 0 or -errno. */
int path_apply(int fd, int family, const struct path_options *path);
