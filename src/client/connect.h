/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdint.h>

#include "base/addr.h"
#include "client/dial.h"
#include "client/target.h"
#include "net/resolve.h"

/* From a target to a connected socket, before a deadline (see deadline.h). */

/* A connected socket. */
struct connection {
    int fd; /* non-blocking, CLOEXEC; the caller's */
    struct addr peer;
    int64_t connect_nsec; /* from connect(2) until it was connected */
};

/*
 * The addresses of the target; FAMILY is AF_UNSPEC, AF_INET or AF_INET6. Returns 0, -ETIMEDOUT, or
 * what resolve() returns. ret_list is untouched on failure.
 */
int connect_resolve(const struct target *target, int family, int64_t deadline,
                    struct addr_list *ret_list);

/*
 * Tries the addresses as RFC 8305 (Happy Eyeballs) has it: IPv6 and IPv4 in turn, each 250 ms after
 * the one before, or at once when that has failed; the first that is connected wins. TYPE is
 * SOCK_STREAM or SOCK_DGRAM. Of datagrams and several addresses, each is sent one of a byte, and
 * the first that answers wins; when none does, the first that did not refuse. Returns 0, or -errno
 * of the address that failed for the most telling reason (-ETIMEDOUT: no answer in time);
 * ret_connection is untouched on failure.
 */
int connect_first(const struct addr_list *list, int type, const struct dial_options *options,
                  int64_t deadline, struct connection *ret_connection);
