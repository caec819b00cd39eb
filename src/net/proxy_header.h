/* SPDX-License-Identifier: MIT */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"

/*
 * The header by which a proxy says whose connection it passes on, before the first byte of that:
 * the PROXY protocol as HAProxy's doc/proxy-protocol.txt specifies it, version 1, a line of text,
 * and version 2, which is binary.
 */

/*
 * The longest header that is taken: a page, which is what a connection may have us keep before it
 * is known whose it is. Version 1 needs 107 bytes, the addresses of version 2 at most 232; the rest
 * is for what proxies tell beside them, up to a client's whole certificate.
 */
enum { PROXY_HEADER_MAX = 4096 };

enum proxy_header_state {
    PROXY_HEADER_BEGUN,  /* nothing is wrong so far; more has to come */
    PROXY_HEADER_CLIENT, /* whole: the connection is CLIENT's */
    PROXY_HEADER_PROXY,  /* whole: the connection is the proxy's own, or nobody can be named */
    PROXY_HEADER_FAULTY, /* FAULT says what is wrong */
};

struct proxy_header {
    size_t length;      /* CLIENT, PROXY: the bytes that the header takes */
    struct addr client; /* CLIENT: IPv4 or IPv6 */
    const char *fault;  /* FAULTY: for people to read, at most 47 bytes */
};

/*
 * Reads the SIZE bytes that have come so far, which may be more than the header. A fault is found
 * with the first byte that shows it, in the addresses of version 1 with the end of the line.
 */
enum proxy_header_state proxy_header_parse(const uint8_t *bytes, size_t size,
                                           struct proxy_header *ret);
