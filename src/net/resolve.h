/* SPDX-License-Identifier: MIT */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"

/* Names to addresses of stream sockets: getaddrinfo(3), its order kept. */

/* Addresses without duplicates, the preferred one first. */
struct addr_list {
    struct addr *addr;
    size_t count;
};

void addr_list_deinit(struct addr_list *list);

enum resolve_flags {
    RESOLVE_PASSIVE = 1 << 0, /* for bind(2): without a host, the wildcard addresses */
    RESOLVE_NUMERIC = 1 << 1, /* only numeric addresses; never asks anyone */
};

/*
 * Looks HOST up; NULL or "" is the wildcard address of each family with RESOLVE_PASSIVE, else the
 * loopback address. FAMILY is AF_UNSPEC, AF_INET or AF_INET6. May block for as long as the
 * resolver likes. Returns 0, -errno, or a positive number when the name has no address (a negated
 * EAI_ code); resolve_strerror() has words for both. ret_list is untouched on failure.
 */
int resolve(const char *host, uint16_t port, int family, unsigned flags,
            struct addr_list *ret_list);

/*
 * The same, but -ETIMEDOUT after this many nanoseconds. The lookup that is given up goes on in a
 * thread of its own until it ends or the process does: for programs that then report and exit.
 */
int resolve_within(const char *host, uint16_t port, int family, unsigned flags,
                   int64_t timeout_nsec, struct addr_list *ret_list);

/* Words for what resolve() returned. */
const char *resolve_strerror(int error);
