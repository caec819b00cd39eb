/* SPDX-License-Identifier: MIT */
#include "client/proxy_send.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

static size_t text_header(const struct addr *source, const struct addr *destination, char *header)
{
    char from[INET6_ADDRSTRLEN], to[INET6_ADDRSTRLEN];
    bool inet6 = source->sa.sa_family == AF_INET6;

    if (inet6) {
        (void)inet_ntop(AF_INET6, &source->in6.sin6_addr, from, sizeof(from));
        (void)inet_ntop(AF_INET6, &destination->in6.sin6_addr, to, sizeof(to));
    } else if (source->sa.sa_family == AF_INET) {
        (void)inet_ntop(AF_INET, &source->in.sin_addr, from, sizeof(from));
        (void)inet_ntop(AF_INET, &destination->in.sin_addr, to, sizeof(to));
    } else {
        return (size_t)snprintf(header, PROXY_SEND_MAX, "PROXY UNKNOWN\r\n");
    }
    return (size_t)snprintf(header, PROXY_SEND_MAX, "PROXY %s %s %s %u %u\r\n",
                            inet6 ? "TCP6" : "TCP4", from, to, addr_port(source),
                            addr_port(destination));
}

static unsigned char *append(unsigned char *at, const void *data, size_t size)
{
    memcpy(at, data, size);
    return at + size;
}

/* Both addresses, then both ports, in network byte order. Returns the end. */
static unsigned char *append_addresses(unsigned char *at, const struct addr *source,
                                       const struct addr *destination)
{
    if (source->sa.sa_family == AF_INET6) {
        at = append(at, &source->in6.sin6_addr, sizeof(source->in6.sin6_addr));
        at = append(at, &destination->in6.sin6_addr, sizeof(destination->in6.sin6_addr));
        at = append(at, &source->in6.sin6_port, sizeof(source->in6.sin6_port));
        return append(at, &destination->in6.sin6_port, sizeof(destination->in6.sin6_port));
    }
    at = append(at, &source->in.sin_addr, sizeof(source->in.sin_addr));
    at = append(at, &destination->in.sin_addr, sizeof(destination->in.sin_addr));
    at = append(at, &source->in.sin_port, sizeof(source->in.sin_port));
    return append(at, &destination->in.sin_port, sizeof(destination->in.sin_port));
}

static size_t binary_header(const struct addr *source, const struct addr *destination,
                            unsigned char *header)
{
    static const unsigned char signature[12] = "\r\n\r\n\0\r\nQUIT\n";
    enum { VERSION_2_PROXY = 0x21, UNSPEC = 0x00, TCP4 = 0x11, TCP6 = 0x21, FIXED = 16 };
    unsigned char *end = header + FIXED;
    unsigned char transport = UNSPEC;

    if (source->sa.sa_family == AF_INET || source->sa.sa_family == AF_INET6) {
        transport = source->sa.sa_family == AF_INET ? TCP4 : TCP6;
        end = append_addresses(end, source, destination);
    }
    memcpy(header, signature, sizeof(signature));
    header[12] = VERSION_2_PROXY;
    header[13] = transport;
    header[14] = 0; /* the length of what follows, which fits into one byte */
    header[15] = (unsigned char)(end - header - FIXED);
    return (size_t)(end - header);
}

size_t proxy_send_header(unsigned version, const struct addr *source,
                         const struct addr *destination, unsigned char header[PROXY_SEND_MAX])
{
    return version == 1 ? text_header(source, destination, (char *)header)
                        : binary_header(source, destination, header);
}
