/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/network.h"
#include "base/siphash.h"

/*
 * Who is held to the limits "per source": all peers whose addresses agree in the first so many bits
 * are one. The same address under another prefix is another source.
 */
struct source {
    struct network network; /* of length 0: none */
};

/*
 * The source that a peer belongs to; an IPv4-mapped address counts as IPv4. Prefixes in bits, 1 to
 * 32 and 1 to 128. Peers without an IPv4 or IPv6 address have none.
 */
struct source source_of(const struct addr *peer, int ipv4_prefix, int ipv6_prefix);

bool source_equal(const struct source *a, const struct source *b);

/*
 * The source that the name of a Unix socket is, one that is no network's: for datagrams, as anybody
 * may be made to send them. SENDER has such a name.
 */
struct source source_of_name(const struct addr *sender, const struct siphash_key *key);

/* A hash of the source; the same source has another one for another KIND. */
uint64_t source_hash(const struct source *source, uint8_t kind, const struct siphash_key *key);

static inline bool source_is_none(const struct source *source)
{
    return source->network.length == 0;
}
