/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "daemon/arena.h"

/*
 * How the connections are spread over the workers that accept. Read from counters that change
 * meanwhile: good enough to decide who takes the next one, no more.
 */
struct balance {
    unsigned workers;     /* that accept */
    uint64_t connections; /* theirs, all together */
};

struct balance balance_read(const struct arena *arena);

/* What one worker should have, rounded up. */
uint64_t balance_share(const struct balance *balance);

/* Whether a worker with this many has clearly more than its share: an eighth, and one. */
bool balance_exceeds(const struct balance *balance, uint64_t connections);
