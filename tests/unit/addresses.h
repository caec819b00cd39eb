/* SPDX-License-Identifier: MIT */
#pragma once

#include <arpa/inet.h>
#include <check.h>
#include <string.h>

#include "base/addr.h"

/* An IPv4 or IPv6 address, as it is written, with a port. */
static inline struct addr address(const char *host, uint16_t port)
{
    struct addr addr = addr_loopback(strchr(host, ':') ? AF_INET6 : AF_INET, port);
    void *to = addr.sa.sa_family == AF_INET ? (void *)&addr.in.sin_addr : &addr.in6.sin6_addr;

    ck_assert_msg(inet_pton(addr.sa.sa_family, host, to) == 1, "%s", host);
    return addr;
}

/* A host in an IPv6 /64 network of the documentation's, each number another one. */
static inline struct addr address_in_network(uint32_t number)
{
    struct addr addr = addr_loopback(AF_INET6, 7);
    uint32_t words[4] = {0x20010db8, number, 0, 1};

    for (unsigned i = 0; i < 4; i++)
        addr.in6.sin6_addr.s6_addr32[i] = htonl(words[i]);
    return addr;
}
