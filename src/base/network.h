/* SPDX-License-Identifier: MIT */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"

/*
 * A network: all addresses whose first LENGTH bits are those of ADDRESS, whose other bits are 0.
 * An IPv4 network is the one of its IPv4-mapped addresses, RFC 4291: 10.0.0.0/8 has the address
 * ::ffff:10.0.0.0 and 104 bits. So there is no difference between the two.
 */
struct network {
    struct in6_addr address;
    uint8_t length;
};

/* The bits of an IPv4-mapped address before those of the IPv4 address. */
enum { NETWORK_IPV4_BITS = 96 };

/* What may be wrong with a text that should be a network. */
enum network_fault {
    NETWORK_SOUND,
    NETWORK_NO_ADDRESS, /* no IPv4 or IPv6 address, or something after it that is no length */
    NETWORK_NO_LENGTH,  /* after "/" no number, or one that is too large for the address */
    NETWORK_HOST_BITS,  /* bits beyond the prefix are set */
};

/*
 * Reads "10.0.0.0/8", "2001:db8::/32" (RFC 4632, RFC 4291), or an address, which is the network of
 * this one address. ret is untouched on failure, but with NETWORK_HOST_BITS it is what was probably
 * meant.
 */
enum network_fault network_parse(const char *text, struct network *ret);

/* Room for any text that network_format() writes, with its NUL. */
enum { NETWORK_TEXT_MAX = INET6_ADDRSTRLEN + sizeof("/128") - 1 };

/* Writes a network as network_parse() reads it. Returns text. */
const char *network_format(const struct network *network, char text[static NETWORK_TEXT_MAX]);

/* Clears the bits beyond the prefix; whether any were set. */
bool network_mask(struct network *network);

/* The IPv6 or IPv4-mapped address of a socket address; false when it is of another family. */
bool network_address(const struct addr *addr, struct in6_addr *ret);

/* A list of networks; owns its memory. {0} is an empty one. */
struct networks {
    struct network *list;
    size_t count;
};

/* 0 or -ENOMEM. */
int networks_add(struct networks *networks, const struct network *network);

void networks_deinit(struct networks *networks);
