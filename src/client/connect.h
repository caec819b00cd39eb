/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdint.h>

#include "base/addr.h"
#include "net/resolve.h"

/* A connected stream socket. */
struct connection {
    int fd; /* non-blocking, CLOEXEC; the caller's */
    struct addr peer;
    int64_t connect_nsec; /* from connect(2) until it was connected */
};

/*
 * Tries the addresses in their order, each for its share of the time until DEADLINE (see
 * deadline.h). Returns 0, or -errno of the address that failed for the most telling reason
 * (-ETIMEDOUT: no answer in time); ret_connection is untouched on failure.
 */
int connect_first(const struct addr_list *list, int64_t deadline,
                  struct connection *ret_connection);
