/* SPDX-License-Identifier: MIT */
#include "policy/judge.h"

#include <arpa/inet.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

void judge_init(struct judge *judge, const struct conf *conf, const struct acl *acl,
                struct rates *rates)
{
    *judge = (struct judge){
        .acl = acl,
        .rates = rates,
        .per_second = (uint32_t)conf->limit_datagram_rate_per_source,
        .ipv4_prefix = conf->limit_ipv4_prefix,
        .ipv6_prefix = conf->limit_ipv6_prefix,
    };
    ports_init(&judge->ports);
}

static bool is_nobody_ipv4(uint32_t address)
{
    return address >> 24 == 0 || IN_MULTICAST(address) || address == INADDR_BROADCAST;
}

/* Addresses that no host has for its own: RFC 1122 section 3.2.1.3, RFC 4291 section 2.5.2, 2.7. */
static bool is_nobody(const struct in6_addr *address)
{
    uint32_t ipv4;

    if (!IN6_IS_ADDR_V4MAPPED(address))
        return IN6_IS_ADDR_UNSPECIFIED(address) || IN6_IS_ADDR_MULTICAST(address);
    memcpy(&ipv4, &address->s6_addr[NETWORK_IPV4_BITS / 8], sizeof(ipv4));
    return is_nobody_ipv4(ntohl(ipv4));
}

static bool is_within_rate(const struct judge *judge, const struct addr *sender, uint64_t now_usec)
{
    struct source source;

    if (judge->per_second == 0)
        return true;
    source = sender->sa.sa_family == AF_UNIX
                 ? source_of_name(sender, &judge->rates->key)
                 : source_of(sender, judge->ipv4_prefix, judge->ipv6_prefix);
    return rate_allows(judge->rates, RATE_DATAGRAMS, &source, judge->per_second, now_usec);
}

/*
 * Whether a Unix socket can be answered by its name. A relative path leads from the sender's
 * directory to its own socket, and from here to whichever one we may write to.
 */
static bool has_name(const struct addr *sender)
{
    return sender->len > offsetof(struct sockaddr_un, sun_path) &&
           (sender->un.sun_path[0] == '/' || sender->un.sun_path[0] == '\0');
}

static enum drop judge_address(const struct judge *judge, const struct addr *sender)
{
    struct in6_addr address;

    if (!network_address(sender, &address))
        return has_name(sender) ? DROP_NONE : DROP_UNNAMED;
    if (is_nobody(&address))
        return DROP_ADDRESS;
    if (ports_has(&judge->ports, (uint16_t)addr_port(sender)))
        return DROP_LOOP;
    return acl_allows(judge->acl, sender) ? DROP_NONE : DROP_DENIED;
}

/* The rate comes last: what is not answered anyway does not use it up. */
enum drop judge_sender(const struct judge *judge, const struct addr *sender, uint64_t now_usec)
{
    enum drop drop = judge_address(judge, sender);

    if (drop != DROP_NONE)
        return drop;
    return is_within_rate(judge, sender, now_usec) ? DROP_NONE : DROP_RATE;
}
