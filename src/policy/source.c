/* SPDX-License-Identifier: MIT */
#include "policy/source.h"

#include <stddef.h>
#include <string.h>

struct source source_of(const struct addr *peer, int ipv4_prefix, int ipv6_prefix)
{
    struct source source = {.network.length = 0};
    struct network *network = &source.network;

    if (!network_address(peer, &network->address))
        return source;
    network->length = IN6_IS_ADDR_V4MAPPED(&network->address)
                          ? (uint8_t)(NETWORK_IPV4_BITS + ipv4_prefix)
                          : (uint8_t)ipv6_prefix;
    (void)network_mask(network); /* Bits beyond the prefix are what it is for. */
    return source;
}

bool source_equal(const struct source *a, const struct source *b)
{
    return a->network.length == b->network.length &&
           IN6_ARE_ADDR_EQUAL(&a->network.address, &b->network.address);
}

struct source source_of_name(const struct addr *sender, const struct siphash_key *key)
{
    struct source source = {.network.length = UINT8_MAX}; /* no prefix is that long */
    uint64_t hash =
        siphash(key, sender->un.sun_path, sender->len - offsetof(struct sockaddr_un, sun_path));

    memcpy(&source.network.address, &hash, sizeof(hash));
    return source;
}

uint64_t source_hash(const struct source *source, uint8_t kind, const struct siphash_key *key)
{
    uint8_t name[sizeof(struct in6_addr) + 2];

    memcpy(name, &source->network.address, sizeof(struct in6_addr));
    name[sizeof(struct in6_addr)] = source->network.length;
    name[sizeof(struct in6_addr) + 1] = kind;
    return siphash(key, name, sizeof(name));
}
