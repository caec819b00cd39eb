/* SPDX-License-Identifier: MIT */
#include "base/network.h"

#include <arpa/inet.h>
#include <endian.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ADDRESS_BITS = 128, IPV4_AT = NETWORK_IPV4_BITS / 8 };

static struct in6_addr map_ipv4(const struct in_addr *ipv4)
{
    struct in6_addr address = {.s6_addr = {[10] = 0xff, [11] = 0xff}};

    memcpy(&address.s6_addr[IPV4_AT], ipv4, sizeof(*ipv4));
    return address;
}

static bool address_parse(const char *text, size_t length, bool ipv6, struct in6_addr *ret)
{
    char host[INET6_ADDRSTRLEN];
    struct in_addr ipv4;

    if (length >= sizeof(host))
        return false;
    memcpy(host, text, length);
    host[length] = '\0';
    if (ipv6)
        return inet_pton(AF_INET6, host, ret) == 1;
    if (inet_pton(AF_INET, host, &ipv4) != 1)
        return false;
    *ret = map_ipv4(&ipv4);
    return true;
}

/* A number without a leading zero, which would make it octal elsewhere. */
static bool length_parse(const char *text, unsigned most, unsigned *ret)
{
    size_t digits = strspn(text, "0123456789");

    if (digits == 0 || digits > 3 || text[digits] || (digits > 1 && text[0] == '0'))
        return false;
    *ret = (unsigned)strtoul(text, NULL, 10);
    return *ret <= most;
}

/* A word whose first so many bits are set, all of them from 64 on. */
static uint64_t leading_bits(unsigned count)
{
    return count < 64 ? ~(UINT64_MAX >> count) : UINT64_MAX;
}

bool network_mask(struct network *network)
{
    unsigned length = network->length;
    uint64_t mask[] = {htobe64(leading_bits(length)),
                       htobe64(leading_bits(length > 64 ? length - 64 : 0))};
    uint64_t half[2], beyond;

    memcpy(half, &network->address, sizeof(half));
    beyond = (half[0] & ~mask[0]) | (half[1] & ~mask[1]);
    half[0] &= mask[0];
    half[1] &= mask[1];
    memcpy(&network->address, half, sizeof(half));
    return beyond;
}

enum network_fault network_parse(const char *text, struct network *ret)
{
    size_t end = strcspn(text, "/");
    bool ipv6 = strchr(text, ':');
    unsigned before = ipv6 ? 0 : NETWORK_IPV4_BITS, length = ADDRESS_BITS - before;
    struct network network;
    bool beyond;

    if (!address_parse(text, end, ipv6, &network.address))
        return NETWORK_NO_ADDRESS;
    if (text[end] && !length_parse(text + end + 1, ADDRESS_BITS - before, &length))
        return NETWORK_NO_LENGTH;
    /* Who writes ::ffff:10.0.0.0/8 means 10.0.0.0/8, and not ::/8. */
    beyond = ipv6 && IN6_IS_ADDR_V4MAPPED(&network.address) && length <= 32;
    network.length = (uint8_t)(length + (beyond ? NETWORK_IPV4_BITS : before));
    beyond = network_mask(&network) || beyond;
    *ret = network;
    return beyond ? NETWORK_HOST_BITS : NETWORK_SOUND;
}

const char *network_format(const struct network *network, char text[static NETWORK_TEXT_MAX])
{
    const uint8_t *address = network->address.s6_addr;
    unsigned length = network->length;
    size_t used;

    if (length >= NETWORK_IPV4_BITS && IN6_IS_ADDR_V4MAPPED(&network->address)) {
        (void)inet_ntop(AF_INET, address + IPV4_AT, text, NETWORK_TEXT_MAX);
        length -= NETWORK_IPV4_BITS;
    } else
        (void)inet_ntop(AF_INET6, address, text, NETWORK_TEXT_MAX);
    used = strlen(text);
    if (network->length < ADDRESS_BITS)
        (void)snprintf(text + used, NETWORK_TEXT_MAX - used, "/%u", length);
    return text;
}

bool network_address(const struct addr *addr, struct in6_addr *ret)
{
    switch (addr->sa.sa_family) {
    case AF_INET:
        *ret = map_ipv4(&addr->in.sin_addr);
        return true;
    case AF_INET6:
        *ret = addr->in6.sin6_addr;
        return true;
    default:
        return false;
    }
}

int networks_add(struct networks *networks, const struct network *network)
{
    size_t count = networks->count;

    /* Room for 1, 2, 4, 8 and so on: it is full at each power of two. */
    if ((count & (count - 1)) == 0) {
        struct network *grown =
            reallocarray(networks->list, count > 0 ? 2 * count : 1, sizeof(*grown));

        if (!grown)
            return -ENOMEM;
        networks->list = grown;
    }
    networks->list[networks->count++] = *network;
    return 0;
}

void networks_deinit(struct networks *networks)
{
    free(networks->list);
    *networks = (struct networks){0};
}
