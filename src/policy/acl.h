/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/network.h"

/*
 * Who may connect, made from the networks that may and those that may not. For an address the most
 * specific network that it is in decides, of equal ones the denied one; an address that is in none
 * is denied.
 *
 * The addresses, as numbers of 128 bits with IPv4 among them as IPv4-mapped ones, fall into ranges
 * that are denied and allowed in turn. Only where they begin is kept, in order: the first range is
 * denied, and begins at 0 unsaid. An address is allowed when an odd number of bounds is not above
 * it: a binary search, in memory that nobody writes to after it was made.
 */
struct acl_bound {
    uint64_t high, low;
};

struct acl {
    struct acl_bound *bounds;
    size_t count;
};

/* 0 or -ENOMEM. */
int acl_init(struct acl *ret, const struct networks *allow, const struct networks *deny);

void acl_deinit(struct acl *acl);

/* Whether a peer may connect. Peers that have no IPv4 or IPv6 address always may. */
bool acl_allows(const struct acl *acl, const struct addr *peer);
