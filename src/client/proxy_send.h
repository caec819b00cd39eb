/* SPDX-License-Identifier: MIT */
#pragma once

#include <stddef.h>

#include "base/addr.h"

/*
 * The header with which a proxy begins a connection, to say whose it is: HAProxy's
 * doc/proxy-protocol.txt, versions 1 (a line of text) and 2 (binary).
 */

enum { PROXY_SEND_MAX = 108 }; /* the longest of them: a line, with a NUL that is not sent */

/*
 * Writes the header of a connection from SOURCE to DESTINATION; what is not IPv4 or IPv6 is told as
 * unknown. VERSION is 1 or 2. Returns its length.
 */
size_t proxy_send_header(unsigned version, const struct addr *source,
                         const struct addr *destination, unsigned char header[PROXY_SEND_MAX]);
