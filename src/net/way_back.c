/* SPDX-License-Identifier: MIT */
#include "net/way_back.h"

#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/udp.h>
#include <stdint.h>
#include <string.h>

enum way { WAY_TURNED, WAY_USELESS, WAY_CLOSED };

static bool is_link_local(const struct in_addr *address)
{
    return ntohl(address->s_addr) >> 16 == 0xa9fe; /* 169.254.0.0/16, RFC 3927 */
}

static bool is_many(const struct in_addr *address)
{
    return IN_MULTICAST(ntohl(address->s_addr)) || address->s_addr == htonl(INADDR_BROADCAST);
}

/*
 * The kernel says where a datagram was sent to and which address of ours an answer to it should
 * have, which is another one if it was sent to many. What came before the option was set, on a
 * socket that was passed to us, has the former alone.
 *
 * An interface would be binding, whatever the routes say. It is needed where the same addresses
 * are on many links; elsewhere the answer takes the route that TCP, and ping, take from here.
 */
static enum way turn_ipv4(struct in_pktinfo *info)
{
    if (is_many(&info->ipi_addr))
        return WAY_CLOSED;
    if (info->ipi_spec_dst.s_addr != htonl(INADDR_ANY) &&
        info->ipi_spec_dst.s_addr != info->ipi_addr.s_addr)
        return WAY_CLOSED;
    info->ipi_spec_dst = info->ipi_addr;
    if (!is_link_local(&info->ipi_addr))
        info->ipi_ifindex = 0;
    return WAY_TURNED;
}

/* IPv4 on an IPv6 socket: beside IPv4's own item, which tells broadcasts, comes this one. */
static enum way turn_mapped(struct in6_pktinfo *info)
{
    struct in_pktinfo ipv4 = {.ipi_ifindex = (int)info->ipi6_ifindex};
    enum way way;

    memcpy(&ipv4.ipi_addr, &info->ipi6_addr.s6_addr[12], sizeof(ipv4.ipi_addr));
    way = turn_ipv4(&ipv4);
    info->ipi6_ifindex = (unsigned)ipv4.ipi_ifindex;
    return way;
}

/* Of IPv6 routes the kernel only prefers one that uses the interface. */
static enum way turn_ipv6(struct in6_pktinfo *info)
{
    if (IN6_IS_ADDR_V4MAPPED(&info->ipi6_addr))
        return turn_mapped(info);
    return IN6_IS_ADDR_MULTICAST(&info->ipi6_addr) ? WAY_CLOSED : WAY_TURNED;
}

/*
 * The lower two bits are for explicit congestion notification. To say "capable" would be a promise
 * to slow down when the network says "congested" (RFC 3168), which an echo does not keep; and what
 * happened on the way here is not what happens on the way back.
 */
static enum way turn_class(struct cmsghdr *c)
{
    /* IP_TOS comes as one byte, IPV6_TCLASS as an int: either may be sent back as it came. */
    if (c->cmsg_len == CMSG_LEN(sizeof(uint8_t)))
        *CMSG_DATA(c) &= IPTOS_DSCP_MASK;
    else if (c->cmsg_len == CMSG_LEN(sizeof(int)))
        *(int *)CMSG_DATA(c) &= IPTOS_DSCP_MASK;
    else
        return WAY_USELESS;
    return WAY_TURNED;
}

static bool is(const struct cmsghdr *c, int level, int type)
{
    return c->cmsg_level == level && c->cmsg_type == type;
}

static enum way turn_one(struct cmsghdr *c)
{
    if (is(c, IPPROTO_IP, IP_PKTINFO))
        return turn_ipv4((struct in_pktinfo *)CMSG_DATA(c));
    if (is(c, IPPROTO_IPV6, IPV6_PKTINFO))
        return turn_ipv6((struct in6_pktinfo *)CMSG_DATA(c));
    if (is(c, IPPROTO_IP, IP_TOS) || is(c, IPPROTO_IPV6, IPV6_TCLASS))
        return turn_class(c);
    return WAY_USELESS; /* Whoever passed us the socket had asked for it. */
}

/* The items that are of use move up, so that no gaps are left. */
bool way_back_turn(struct msghdr *header)
{
    uint8_t *begin = header->msg_control;
    size_t kept = 0;
    struct cmsghdr *next;

    for (struct cmsghdr *c = CMSG_FIRSTHDR(header); c; c = next) {
        size_t size = CMSG_ALIGN(c->cmsg_len);
        enum way way = turn_one(c);

        next = CMSG_NXTHDR(header, c);
        if (way == WAY_CLOSED)
            return false;
        if (way == WAY_USELESS)
            continue;
        if (begin + kept != (uint8_t *)c)
            memmove(begin + kept, c, size);
        kept += size;
    }
    header->msg_controllen = kept;
    return true;
}

void way_back_segment(struct msghdr *header, size_t size)
{
    struct cmsghdr *c = (void *)((uint8_t *)header->msg_control + header->msg_controllen);
    uint16_t segment = (uint16_t)size;

    *c = (struct cmsghdr){
        .cmsg_level = IPPROTO_UDP, .cmsg_type = UDP_SEGMENT, .cmsg_len = CMSG_LEN(sizeof(segment))};
    memcpy(CMSG_DATA(c), &segment, sizeof(segment));
    header->msg_controllen += CMSG_SPACE(sizeof(segment));
}
